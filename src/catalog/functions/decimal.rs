//! Decimal numbers as digits.

/// The digits of `value` × 10^-`scale`, rounded half away from zero to so many places behind the point.
pub(super) fn text(value: i128, scale: i8, places: usize) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let rounded = match scale.checked_sub(places) {
        Some(cut) if cut > 0 => rounded(value, cut),
        _ => value,
    };
    let kept = scale.min(places);
    let digits = rounded.unsigned_abs().to_string();
    let digits = format!("{digits:0>width$}", width = kept + 1);
    let (whole, fraction) = digits.split_at(digits.len() - kept);
    let sign = if rounded < 0 { "-" } else { "" };
    match places {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:0<places$}"),
    }
}

/// `value` without its last `cut` digits, rounded half away from zero.
pub(super) fn rounded(value: i128, cut: usize) -> i128 {
    let power = u32::try_from(cut)
        .ok()
        .and_then(|cut| 10i128.checked_pow(cut));
    let Some(power) = power else {
        return 0;
    };
    let (whole, rest) = (value / power, value % power);
    match rest.abs() >= power - rest.abs() {
        true => whole + value.signum(),
        false => whole,
    }
}
