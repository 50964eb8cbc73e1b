//! `client_encoding`: texts of clients that speak another character set than UTF-8, which is the only one inside.
//!
//! The tables are those of browsers, which are PostgreSQL's but for a few bytes that one of both leaves undefined.

use bytes::BytesMut;
use encoding_rs::{DecoderResult, EncoderResult, Encoding};

use crate::proxy::postgres::SqlError;

/// How characters and bytes belong together.
enum Coder {
    /// As in UTF-8, or nobody is to know: bytes are passed as they are.
    Same,
    /// The characters of the same numbers, but for these.
    Bytes(&'static [(u8, char)]),
    /// By a table of one byte for each character.
    Single(&'static Encoding),
    /// By a table of several bytes for some characters.
    Multiple(&'static Encoding),
}

/// A character set: PostgreSQL's name of it, other names, without signs and in lower case.
struct Definition {
    name: &'static str,
    others: &'static [&'static str],
    coder: Coder,
}

/// Where LATIN5 is not LATIN1.
const TURKISH: &[(u8, char)] = &[
    (0xd0, 'Ğ'),
    (0xdd, 'İ'),
    (0xde, 'Ş'),
    (0xf0, 'ğ'),
    (0xfd, 'ı'),
    (0xfe, 'ş'),
];

macro_rules! charsets {
    ($($name:literal [$($other:literal),*] $coder:expr;)*) => {
        static CHARSETS: &[Definition] = &[
            $(Definition { name: $name, others: &[$($other),*], coder: $coder }),*
        ];
    };
}

charsets! {
    "UTF8" ["unicode"] Coder::Same;
    "SQL_ASCII" [] Coder::Same;
    "LATIN1" ["iso88591"] Coder::Bytes(&[]);
    "LATIN2" ["iso88592"] Coder::Single(&encoding_rs::ISO_8859_2_INIT);
    "LATIN3" ["iso88593"] Coder::Single(&encoding_rs::ISO_8859_3_INIT);
    "LATIN4" ["iso88594"] Coder::Single(&encoding_rs::ISO_8859_4_INIT);
    "LATIN5" ["iso88599"] Coder::Bytes(TURKISH);
    "LATIN6" ["iso885910"] Coder::Single(&encoding_rs::ISO_8859_10_INIT);
    "LATIN7" ["iso885913"] Coder::Single(&encoding_rs::ISO_8859_13_INIT);
    "LATIN8" ["iso885914"] Coder::Single(&encoding_rs::ISO_8859_14_INIT);
    "LATIN9" ["iso885915"] Coder::Single(&encoding_rs::ISO_8859_15_INIT);
    "LATIN10" ["iso885916"] Coder::Single(&encoding_rs::ISO_8859_16_INIT);
    "ISO_8859_5" [] Coder::Single(&encoding_rs::ISO_8859_5_INIT);
    "ISO_8859_6" [] Coder::Single(&encoding_rs::ISO_8859_6_INIT);
    "ISO_8859_7" [] Coder::Single(&encoding_rs::ISO_8859_7_INIT);
    "ISO_8859_8" [] Coder::Single(&encoding_rs::ISO_8859_8_INIT);
    "WIN1250" ["windows1250"] Coder::Single(&encoding_rs::WINDOWS_1250_INIT);
    "WIN1251" ["windows1251", "win"] Coder::Single(&encoding_rs::WINDOWS_1251_INIT);
    "WIN1252" ["windows1252"] Coder::Single(&encoding_rs::WINDOWS_1252_INIT);
    "WIN1253" ["windows1253"] Coder::Single(&encoding_rs::WINDOWS_1253_INIT);
    "WIN1254" ["windows1254"] Coder::Single(&encoding_rs::WINDOWS_1254_INIT);
    "WIN1255" ["windows1255"] Coder::Single(&encoding_rs::WINDOWS_1255_INIT);
    "WIN1256" ["windows1256"] Coder::Single(&encoding_rs::WINDOWS_1256_INIT);
    "WIN1257" ["windows1257"] Coder::Single(&encoding_rs::WINDOWS_1257_INIT);
    "WIN1258" ["windows1258", "abc", "tcvn", "tcvn5712", "vscii"] Coder::Single(&encoding_rs::WINDOWS_1258_INIT);
    "WIN866" ["windows866", "alt"] Coder::Single(&encoding_rs::IBM866_INIT);
    "WIN874" ["windows874"] Coder::Single(&encoding_rs::WINDOWS_874_INIT);
    "KOI8R" ["koi8"] Coder::Single(&encoding_rs::KOI8_R_INIT);
    "KOI8U" [] Coder::Single(&encoding_rs::KOI8_U_INIT);
    "EUC_JP" [] Coder::Multiple(&encoding_rs::EUC_JP_INIT);
    "SJIS" ["mskanji", "shiftjis", "win932", "windows932"] Coder::Multiple(&encoding_rs::SHIFT_JIS_INIT);
    "EUC_CN" [] Coder::Multiple(&encoding_rs::GBK_INIT);
    "GBK" ["win936", "windows936"] Coder::Multiple(&encoding_rs::GBK_INIT);
    "GB18030" [] Coder::Multiple(&encoding_rs::GB18030_INIT);
    "BIG5" ["win950", "windows950"] Coder::Multiple(&encoding_rs::BIG5_INIT);
    "EUC_KR" [] Coder::Multiple(&encoding_rs::EUC_KR_INIT);
    "UHC" ["win949", "windows949"] Coder::Multiple(&encoding_rs::EUC_KR_INIT);
}

/// A character set that clients speak, [UTF-8](Charset::default) included.
#[derive(Clone, Copy)]
pub struct Charset(&'static Definition);

impl Default for Charset {
    fn default() -> Self {
        Self(&CHARSETS[0])
    }
}

impl std::fmt::Debug for Charset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A character that a character set has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEquivalent {
    character: char,
    charset: &'static str,
}

impl std::fmt::Display for NoEquivalent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 4];
        let bytes = hexadecimal(self.character.encode_utf8(&mut bytes).as_bytes());
        no_equivalent(f, &bytes, "UTF8", self.charset)
    }
}

fn no_equivalent(
    out: &mut impl std::fmt::Write,
    bytes: &str,
    from: &str,
    to: &str,
) -> std::fmt::Result {
    write!(
        out,
        "character with byte sequence {bytes} in encoding \"{from}\" has no equivalent in encoding \"{to}\""
    )
}

/// Bytes as messages show them.
fn hexadecimal(bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    hex.join(" ")
}

impl Charset {
    /// The character set of this name, as SET and clients spell it: neither case nor signs matter.
    pub fn named(name: &str) -> Option<Self> {
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_lowercase()).collect()
        };
        let wanted = plain(name);
        let is_it = |set: &&Definition| plain(set.name) == wanted || set.others.contains(&&*wanted);
        CHARSETS.iter().find(is_it).map(Self)
    }

    /// PostgreSQL's name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether texts are passed as they are.
    pub fn is_same(self) -> bool {
        matches!(self.0.coder, Coder::Same)
    }

    /// Reads a text of a client.
    ///
    /// # Errors
    /// 22021 for bytes that are no text in the character set, 22P05 for those that stand for no character.
    pub fn decode(self, bytes: &[u8]) -> Result<String, SqlError> {
        let (mut decoder, is_single) = match &self.0.coder {
            Coder::Same => {
                return match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(text.to_owned()),
                    Err(error) => {
                        let wrong = bytes.get(error.valid_up_to()..).unwrap_or_default();
                        let length = error.error_len().unwrap_or(wrong.len());
                        Err(malformed(wrong.get(..length).unwrap_or(wrong), "UTF8"))
                    }
                };
            }
            Coder::Bytes(others) => {
                let character = |byte: &u8| {
                    let other = others.iter().find(|(at, _)| at == byte);
                    other.map_or(char::from(*byte), |(_, character)| *character)
                };
                return Ok(bytes.iter().map(character).collect());
            }
            Coder::Single(table) => (table.new_decoder_without_bom_handling(), true),
            Coder::Multiple(table) => (table.new_decoder_without_bom_handling(), false),
        };
        let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let mut text = String::with_capacity(room.unwrap_or(0));
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        match result {
            DecoderResult::InputEmpty => Ok(text),
            DecoderResult::OutputFull => Err(SqlError::new("54000", "a text is too long")),
            DecoderResult::Malformed(length, behind) => {
                let end = read.saturating_sub(behind.into());
                let wrong = bytes.get(end.saturating_sub(length.into())..end);
                let wrong = wrong.unwrap_or_default();
                if is_single {
                    let mut message = String::new();
                    let _ = no_equivalent(&mut message, &hexadecimal(wrong), self.name(), "UTF8");
                    Err(SqlError::new("22P05", message))
                } else {
                    Err(malformed(wrong, self.name()))
                }
            }
        }
    }

    /// The bytes of a text for a client.
    ///
    /// # Errors
    /// The first character that the character set has not.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, NoEquivalent> {
        let missing = |character| NoEquivalent {
            character,
            charset: self.name(),
        };
        let table = match &self.0.coder {
            Coder::Same => return Ok(text.as_bytes().to_vec()),
            Coder::Bytes(others) => {
                let byte = |character: char| {
                    if let Some((byte, _)) = others.iter().find(|(_, other)| *other == character) {
                        return Ok(*byte);
                    }
                    let byte = u8::try_from(character).ok();
                    let byte = byte.filter(|byte| others.iter().all(|(other, _)| other != byte));
                    byte.ok_or_else(|| missing(character))
                };
                return text.chars().map(byte).collect();
            }
            Coder::Single(table) | Coder::Multiple(table) => table,
        };
        let mut encoder = table.new_encoder();
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
        let mut bytes = Vec::with_capacity(room.unwrap_or(0));
        match encoder
            .encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true)
            .0
        {
            EncoderResult::InputEmpty => Ok(bytes),
            EncoderResult::Unmappable(character) => Err(missing(character)),
            EncoderResult::OutputFull => Err(missing(char::REPLACEMENT_CHARACTER)),
        }
    }

    /// Puts the bytes for a client into the place of the text that stands in `out` from `start` on.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); then `out` is as it was.
    pub fn recode(self, out: &mut BytesMut, start: usize) -> Result<(), NoEquivalent> {
        let written = out.get(start..).unwrap_or_default();
        if self.is_same() || written.is_ascii() {
            return Ok(());
        }
        // All that is written as text is UTF-8.
        if let Ok(text) = std::str::from_utf8(written) {
            let bytes = self.encode(text)?;
            out.truncate(start);
            out.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// As [`recode`](Self::recode) for texts that must reach the client: a question mark for each character that the
    /// character set has not.
    pub fn recode_lossy(self, out: &mut BytesMut, start: usize) {
        if self.recode(out, start).is_ok() {
            return;
        }
        let text = String::from_utf8_lossy(out.get(start..).unwrap_or_default()).into_owned();
        out.truncate(start);
        let mut buffer = [0; 4];
        for character in text.chars() {
            let bytes = self.encode(character.encode_utf8(&mut buffer));
            out.extend_from_slice(bytes.as_deref().unwrap_or(b"?"));
        }
    }
}

fn malformed(bytes: &[u8], charset: &str) -> SqlError {
    let bytes = hexadecimal(bytes);
    let message = format!("invalid byte sequence for encoding \"{charset}\": {bytes}");
    SqlError::new("22021", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn charset(name: &str) -> Charset {
        Charset::named(name).unwrap()
    }

    #[test]
    fn names_are_found_as_clients_spell_them() {
        for (spelled, name) in [
            ("utf-8", "UTF8"),
            ("Unicode", "UTF8"),
            ("latin1", "LATIN1"),
            ("ISO-8859-15", "LATIN9"),
            ("iso_8859_5", "ISO_8859_5"),
            ("windows-1252", "WIN1252"),
            ("Shift_JIS", "SJIS"),
            ("SQL_ASCII", "SQL_ASCII"),
        ] {
            assert_eq!(charset(spelled).name(), name);
        }
        assert!(Charset::named("EBCDIC").is_none());
        assert!(Charset::named("").is_none());
    }

    #[test]
    fn texts_are_those_of_the_character_set() {
        for (name, text, bytes) in [
            ("LATIN1", "Grüße\u{80}", &b"Gr\xfc\xdfe\x80"[..]),
            ("LATIN2", "Łódź", b"\xa3\xf3d\xbc"),
            ("LATIN5", "İstanbul", b"\xddstanbul"),
            ("LATIN9", "5 €", b"5 \xa4"),
            ("WIN1252", "5 €", b"5 \x80"),
            ("KOI8R", "да", b"\xc4\xc1"),
            ("SJIS", "漢字表", b"\x8a\xbf\x8e\x9a\x95\x5c"),
            ("EUC_JP", "漢字", b"\xb4\xc1\xbb\xfa"),
            ("GB18030", "𝄞", b"\x94\x32\xbe\x34"),
            ("UTF8", "ä", b"\xc3\xa4"),
        ] {
            let set = charset(name);
            assert_eq!(set.encode(text).unwrap(), bytes, "{name}");
            assert_eq!(set.decode(bytes).unwrap(), text, "{name}");
        }
    }

    #[test]
    fn what_has_no_equivalent_is_told_as_by_postgresql() {
        let missing = charset("LATIN1").encode("1 €").unwrap_err();
        assert_eq!(
            missing.to_string(),
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\""
        );
        // What stands in the place of another one.
        assert!(charset("LATIN5").encode("ð").is_err());
        let error = charset("ISO_8859_6").decode(b"a\xa1").unwrap_err();
        assert_eq!(error.code, "22P05");
        assert!(
            error
                .message
                .starts_with("character with byte sequence 0xa1 in")
        );
        let error = charset("EUC_JP").decode(b"a\xb4").unwrap_err();
        assert_eq!(error.code, "22021");
        assert_eq!(
            error.message,
            "invalid byte sequence for encoding \"EUC_JP\": 0xb4"
        );
        let error = charset("SQL_ASCII").decode(b"a\xb4").unwrap_err();
        assert_eq!(
            error.message,
            "invalid byte sequence for encoding \"UTF8\": 0xb4"
        );
    }

    #[test]
    fn what_must_be_told_is_told_with_gaps() {
        let mut out = BytesMut::from("before ä € ü".as_bytes());
        charset("LATIN1").recode_lossy(&mut out, 7);
        assert_eq!(&out[..], b"before \xe4 ? \xfc");
        let mut out = BytesMut::from("ä €".as_bytes());
        assert!(charset("LATIN1").recode(&mut out, 0).is_err());
        assert_eq!(&out[..], "ä €".as_bytes());
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_encoded_to_the_same(
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            at in 0..CHARSETS.len(),
        ) {
            let set = Charset(&CHARSETS[at]);
            // Tables of several bytes have characters twice.
            let is_unique = !matches!(set.0.coder, Coder::Multiple(_));
            if let (true, Ok(text)) = (is_unique, set.decode(&bytes)) {
                prop_assert_eq!(set.encode(&text), Ok(bytes));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            at in 0..CHARSETS.len(),
        ) {
            let _ = Charset(&CHARSETS[at]).decode(&bytes);
        }
    }
}
