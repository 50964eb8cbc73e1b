//! Decimal digits without branches on their number: eight at a time in one register, then shifted to their place.

/// `'0'` in each byte.
const ASCII: u64 = 0x3030_3030_3030_3030;
/// What eight digits can count.
const TEN_8: u64 = 100_000_000;
const TEN_16: u64 = TEN_8 * TEN_8;

/// Bytes of the longest fraction of a second, with room to write it in one piece.
pub(super) const FRACTION_BYTES: usize = 8;

/// The eight digits of `n`, below 10^8, as numbers from 0 to 9: the first one in the lowest byte.
fn eight(n: u64) -> u64 {
    // Lanes of four, two and one digit; the factors are 1/100 and 1/10 in fixed point, exact for what the lanes hold.
    let fours = (n / 10_000) | ((n % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

/// Writes `n`, below 10^8, without leading zeros; returns the number of digits. What follows them is overwritten.
fn put_short(n: u64, to: &mut [u8]) -> usize {
    let digits = eight(n);
    let zeros = (digits.trailing_zeros() / 8).min(7);
    to[..8].copy_from_slice(&((digits | ASCII) >> (8 * zeros)).to_le_bytes());
    8 - zeros as usize
}

/// Writes `n` to the front of `to` and returns its length. Up to 20 bytes are overwritten, up to 10 if `n` fits 32 bits.
///
/// # Panics
/// If `to` is shorter than that.
#[inline]
pub(super) fn put_u64(n: u64, to: &mut [u8]) -> usize {
    let full = |n: u64| (eight(n) | ASCII).to_le_bytes();
    if n < TEN_8 {
        return put_short(n, to);
    }
    if n < TEN_16 {
        let len = put_short(n / TEN_8, to);
        to[len..len + 8].copy_from_slice(&full(n % TEN_8));
        return len + 8;
    }
    let len = put_short(n / TEN_16, to);
    to[len..len + 8].copy_from_slice(&full(n / TEN_8 % TEN_8));
    to[len + 8..len + 16].copy_from_slice(&full(n % TEN_8));
    len + 16
}

/// As [`put_u64`], with a sign in front if `n` is negative: up to 20 bytes, up to 11 if `n` fits 32 bits.
///
/// # Panics
/// If `to` is shorter than that.
#[inline]
pub(super) fn put_i64(n: i64, to: &mut [u8]) -> usize {
    if n >= 0 {
        return put_u64(n.unsigned_abs(), to);
    }
    to[0] = b'-';
    1 + put_u64(n.unsigned_abs(), &mut to[1..])
}

/// Writes a fraction of a second, 1 to 999,999 microseconds, without trailing zeros: `.5`, `.123456`. Returns its
/// length; [`FRACTION_BYTES`] are overwritten.
///
/// # Panics
/// If `to` is shorter than that.
#[inline]
pub(super) fn put_fraction(micros: u64, to: &mut [u8]) -> usize {
    let digits = eight(micros);
    let zeros = digits.leading_zeros() / 8;
    // The first two of the eight are zeros: the point takes the place of the second.
    let text = (((digits | ASCII) >> 8) & !0xff) | u64::from(b'.');
    to[..FRACTION_BYTES].copy_from_slice(&text.to_le_bytes());
    7 - zeros as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(put: impl FnOnce(&mut [u8]) -> usize) -> String {
        let mut to = [b'#'; 20];
        let len = put(&mut to);
        String::from_utf8(to[..len].to_vec()).unwrap()
    }

    #[test]
    fn the_ends_of_each_length_read_as_they_are() {
        for power in 0..19 {
            let ten = 10_i64.pow(power);
            for n in [ten - 1, ten, ten + 1, -ten] {
                assert_eq!(text(|to| put_i64(n, to)), n.to_string());
            }
        }
        for n in [i64::MIN, i64::MAX] {
            assert_eq!(text(|to| put_i64(n, to)), n.to_string());
        }
        assert_eq!(text(|to| put_u64(u64::MAX, to)), u64::MAX.to_string());
    }

    #[test]
    fn every_lane_divides_exactly() {
        for n in 0..10_000 {
            assert_eq!(
                text(|to| put_u64(n * 10_000 + n, to)),
                (n * 10_000 + n).to_string()
            );
        }
    }

    #[test]
    fn what_fits_32_bits_stays_within_its_room() {
        for n in [i64::from(i32::MIN), i64::from(u32::MAX), -1] {
            assert_eq!(text(|to| put_i64(n, &mut to[..11])), n.to_string());
        }
    }

    proptest! {
        #[test]
        fn numbers_read_as_they_are(n: i64, bits in 0..64_u32) {
            let n = n >> bits;
            prop_assert_eq!(text(|to| put_i64(n, to)), n.to_string());
        }

        #[test]
        fn fractions_read_as_they_are(micros in 1..1_000_000_u64, by in 0..6_u32) {
            let micros = (micros / 10_u64.pow(by) * 10_u64.pow(by)).max(1);
            let expected = format!(".{micros:06}");
            prop_assert_eq!(text(|to| put_fraction(micros, to)), expected.trim_end_matches('0'));
        }
    }
}
