use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::config::QueryLogConfig;

/// A file of lines that is put aside when it has become too long: `NAME.1` is what was put aside last. Ours, since a
/// file that cannot be written is to be heard of, and each one begins with a heading.
pub(super) struct LogFile {
    config: QueryLogConfig,
    heading: Vec<u8>,
    /// None after something went wrong; opened again with the next line.
    file: Option<(File, u64)>,
}

impl LogFile {
    /// Opens the file to go on with it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(config: &QueryLogConfig, heading: &[u8]) -> io::Result<Self> {
        let mut file = Self {
            config: config.clone(),
            heading: heading.to_vec(),
            file: None,
        };
        file.reopen()?;
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.config.file
    }

    /// Opens the file anew: somebody may have moved it.
    pub fn reopen(&mut self) -> io::Result<()> {
        self.file = None;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path())?;
        let mut bytes = file.metadata()?.len();
        if bytes == 0 {
            file.write_all(&self.heading)?;
            bytes = self.heading.len() as u64;
        }
        self.file = Some((file, bytes));
        Ok(())
    }

    /// Appends lines, which may end up in several files.
    ///
    /// # Errors
    /// When something cannot be written; what is left of the lines is lost.
    pub fn append(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let Some((file, bytes)) = &mut self.file else {
                self.reopen()?;
                continue;
            };
            let room = match self.config.rotate_bytes {
                Some(most) => usize::try_from(most.saturating_sub(*bytes)).unwrap_or(usize::MAX),
                None => usize::MAX,
            };
            let is_new = *bytes <= self.heading.len() as u64;
            match lines_within(lines, room) {
                0 if !is_new => {
                    self.rotate()?;
                }
                whole => {
                    // A line that is too long for any file has one for itself.
                    let whole = if whole > 0 { whole } else { first_line(lines) };
                    let (now, later) = lines.split_at(whole);
                    if let Err(error) = file.write_all(now) {
                        self.file = None;
                        return Err(error);
                    }
                    *bytes += whole as u64;
                    lines = later;
                }
            }
        }
        Ok(())
    }

    /// Puts the file aside, and those before it one further; the oldest one goes.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for older in (1..self.config.files_max).rev() {
            let (from, to) = (self.aside(older), self.aside(older + 1));
            match fs::rename(&from, to) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match self.config.files_max {
            0 => fs::remove_file(self.path())?,
            _ => fs::rename(self.path(), self.aside(1))?,
        }
        self.reopen()
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path().as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// How many bytes the lines have that end within so many.
fn lines_within(lines: &[u8], bytes: usize) -> usize {
    let within = lines.get(..bytes).unwrap_or(lines);
    let end = within.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |end| end + 1)
}

/// How many bytes the first line has.
fn first_line(lines: &[u8]) -> usize {
    let end = lines.iter().position(|byte| *byte == b'\n');
    end.map_or(lines.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &[u8] = b"heading\n";

    fn log(dir: &Path, rotate_bytes: Option<u64>, files_max: u32) -> LogFile {
        let config = QueryLogConfig {
            file: dir.join("log.csv"),
            rotate_bytes,
            files_max,
        };
        LogFile::open(&config, HEADING).expect("a file")
    }

    fn files(dir: &Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(dir)
            .expect("a directory")
            .map(|entry| entry.expect("a file").path())
            .map(|path| {
                let name = path.file_name().expect("a name").to_string_lossy();
                (name.into_owned(), fs::read_to_string(&path).expect("text"))
            })
            .collect();
        files.sort();
        files
    }

    fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(own).collect()
    }

    #[test]
    fn goes_on_with_a_file_that_is_there() {
        let dir = tempfile::tempdir().expect("a directory");
        log(dir.path(), None, 1).append(b"a\n").expect("written");
        log(dir.path(), None, 1).append(b"b\nc\n").expect("written");
        assert_eq!(
            files(dir.path()),
            named(&[("log.csv", "heading\na\nb\nc\n")])
        );
    }

    #[test]
    fn puts_full_files_aside_and_forgets_the_oldest() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = log(dir.path(), Some(12), 2);
        log.append(b"a\nb\nc\nd\ne\nf\ng\n").expect("written");
        let expected = [
            ("log.csv", "heading\ng\n"),
            ("log.csv.1", "heading\ne\nf\n"),
            ("log.csv.2", "heading\nc\nd\n"),
        ];
        assert_eq!(files(dir.path()), named(&expected));
    }

    #[test]
    fn a_line_that_is_too_long_has_a_file_for_itself() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = log(dir.path(), Some(12), 2);
        log.append(b"a\nmuch too long\nb\n").expect("written");
        let expected = [
            ("log.csv", "heading\nb\n"),
            ("log.csv.1", "heading\nmuch too long\n"),
            ("log.csv.2", "heading\na\n"),
        ];
        assert_eq!(files(dir.path()), named(&expected));
    }

    #[test]
    fn a_file_that_was_moved_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = log(dir.path(), None, 1);
        log.append(b"a\n").expect("written");
        fs::rename(dir.path().join("log.csv"), dir.path().join("moved")).expect("moved");
        log.reopen().expect("opened");
        log.append(b"b\n").expect("written");
        let expected = [("log.csv", "heading\nb\n"), ("moved", "heading\na\n")];
        assert_eq!(files(dir.path()), named(&expected));
    }

    #[test]
    fn a_disk_that_takes_nothing_is_told() {
        let config = QueryLogConfig {
            file: "/dev/full".into(),
            rotate_bytes: None,
            files_max: 1,
        };
        let error = LogFile::open(&config, HEADING)
            .err()
            .map(|error| error.kind());
        assert_eq!(error, Some(ErrorKind::StorageFull));
    }
}
