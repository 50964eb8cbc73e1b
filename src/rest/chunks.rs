//! Where a body of chunks ends (RFC 9112, section 7.1): followed, not read.

/// What of a chunked body comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// The digits of a chunk's size, of which there may be none yet.
    Size(Option<u64>),
    /// What stands behind them.
    Extension(u64),
    /// The end of that line.
    SizeEnd(u64),
    /// So many bytes of data.
    Data(u64),
    /// The line end behind the data.
    DataEnd,
    /// Its second half.
    DataEnded,
    /// A line of trailers, or the empty one that ends all.
    Line,
    /// Within a line of trailers.
    Trailer,
    /// The end of such a line.
    TrailerEnd,
    /// The end of all.
    LastEnd,
    /// Nothing.
    Over,
}

/// These bytes are no chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChunks;

impl Default for Chunks {
    fn default() -> Self {
        Self::Size(None)
    }
}

impl Chunks {
    /// Follows the bytes, and returns how many of them belong to the body.
    ///
    /// # Errors
    /// When they are no chunks.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<usize, NoChunks> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at)
            && *self != Self::Over
        {
            if let Self::Data(left) = *self {
                let here = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                at += here;
                *self = match left - here as u64 {
                    0 => Self::DataEnd,
                    left => Self::Data(left),
                };
                continue;
            }
            *self = self.behind(*byte).ok_or(NoChunks)?;
            at += 1;
        }
        Ok(at)
    }

    /// What comes behind a byte that is no data.
    fn behind(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size(size), digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16)?;
                let size = size.unwrap_or(0).checked_mul(16)?;
                Self::Size(Some(size + u64::from(digit)))
            }
            (Self::Size(Some(size)), b' ' | b'\t' | b';') => Self::Extension(size),
            (Self::Size(Some(size)) | Self::Extension(size), b'\r') => Self::SizeEnd(size),
            (Self::Extension(_), b'\n') => return None,
            (Self::Extension(size), _) => Self::Extension(size),
            (Self::SizeEnd(0), b'\n') => Self::Line,
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::DataEnd, b'\r') => Self::DataEnded,
            (Self::DataEnded, b'\n') => Self::Size(None),
            (Self::Line, b'\r') => Self::LastEnd,
            (Self::Line | Self::Trailer, other) if other != b'\r' => Self::Trailer,
            (Self::Trailer, _) => Self::TrailerEnd,
            (Self::TrailerEnd, b'\n') => Self::Line,
            (Self::LastEnd, b'\n') => Self::Over,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn followed(text: &[u8]) -> Result<(usize, bool), NoChunks> {
        let mut chunks = Chunks::default();
        let length = chunks.follow(text)?;
        Ok((length, chunks == Chunks::Over))
    }

    #[test]
    fn a_body_ends_behind_its_last_line() {
        for body in [
            "0\r\n\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
            "2;a=\"b\"\r\n{}\r\n00\r\nA: b\r\n\r\n",
            "A \t\r\n0123456789\r\n0;x\r\n\r\n",
        ] {
            let with_next = format!("{body}GET / HTTP/1.1\r\n\r\n");
            assert_eq!(
                followed(with_next.as_bytes()),
                Ok((body.len(), true)),
                "{body}"
            );
            for end in 0..body.len() {
                assert_eq!(
                    followed(&body.as_bytes()[..end]),
                    Ok((end, false)),
                    "{body}"
                );
            }
        }
        for wrong in [
            "\r\n",
            "x\r\n",
            "2\n{}",
            "2\r\n{}x",
            "2\r\n{}\rx",
            "2;\n",
            "0\r\n\rx",
            "0\r\nA: b\rx",
            "10000000000000000\r\n",
        ] {
            assert_eq!(followed(wrong.as_bytes()), Err(NoChunks), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_followed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = followed(&bytes);
        }

        #[test]
        fn pieces_make_no_difference(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in proptest::collection::vec(0..400_usize, 0..6),
        ) {
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend(format!("{:x}\r\n", piece.len()).bytes());
                body.extend(piece);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            let length = body.len();
            body.extend(b"next");
            let mut chunks = Chunks::default();
            let (mut at, mut cuts) = (0, cuts);
            cuts.push(body.len());
            cuts.sort_unstable();
            for cut in cuts {
                let cut = cut.clamp(at, body.len());
                at += chunks.follow(&body[at..cut]).unwrap();
            }
            prop_assert_eq!((at, chunks), (length, Chunks::Over));
        }
    }
}
