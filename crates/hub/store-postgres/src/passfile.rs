//! The password of a database, out of a file in libpq's `.pgpass` format.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;
use zeroize::Zeroizing;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoPassword {
    /// The file cannot be read.
    #[error("the password file {} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Others may read it.
    #[error("others may read the password file {}: chmod 600 it", .0.display())]
    Open(PathBuf),
    /// No line is about this database.
    #[error("the password file {} has no line HOST:PORT:DATABASE:USER:PASSWORD for this database", .0.display())]
    NoLine(PathBuf),
}

/// The password of the first line in the file at `path` that fits `config`.
pub(crate) fn password(path: &Path, config: &Config) -> Result<Zeroizing<String>, NoPassword> {
    let failed = |cause| NoPassword::File {
        path: path.to_owned(),
        cause,
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(NoPassword::Open(path.to_owned()));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let wanted = wanted(config);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| fits(line, &wanted))
        .ok_or_else(|| NoPassword::NoLine(path.to_owned()))
}

/// What the first four fields must say: host, port, database, user. A socket's host is `localhost`.
fn wanted(config: &Config) -> [String; 4] {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(_)) | None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
    [
        host,
        port.to_string(),
        text(config.get_dbname()),
        text(config.get_user()),
    ]
}

fn fits(line: &str, wanted: &[String; 4]) -> Option<Zeroizing<String>> {
    let mut fields = Fields(line);
    for wanted in wanted {
        let field = fields.next()?;
        if *field != "*" && *field != *wanted {
            return None;
        }
    }
    fields.next()
}

/// Fields between colons; a backslash takes the next character as it is.
struct Fields<'t>(&'t str);

impl Iterator for Fields<'_> {
    type Item = Zeroizing<String>;

    fn next(&mut self) -> Option<Zeroizing<String>> {
        if self.0.is_empty() {
            return None;
        }
        let mut field = Zeroizing::new(String::with_capacity(self.0.len()));
        let mut characters = self.0.chars();
        while let Some(character) = characters.next() {
            match character {
                ':' => break,
                '\\' => field.extend(characters.next()),
                other => field.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<String, NoPassword> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let config: Config = "postgres://hub@db.example:5433/fleet".parse().unwrap();
        password(&path, &config).map(|password| password.to_string())
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let lines = "# ours\ndb.example:5432:fleet:hub:other port\ndb.example:*:fleet:hub:a\\:b\\\\c\n*:*:*:*:last\n";
        assert_eq!(found(lines).unwrap(), "a:b\\c");
    }

    #[test]
    fn refuses_a_file_without_a_line_for_this_database() {
        for text in ["", "db.example:5433:fleet:other:x", "db.example:5433:fleet"] {
            assert!(matches!(found(text), Err(NoPassword::NoLine(_))), "{text}");
        }
    }

    #[test]
    fn refuses_a_file_that_others_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = password(&path, &Config::new());
        assert!(matches!(refused, Err(NoPassword::Open(_))));
        let missing = password(&folder.path().join("none"), &Config::new());
        assert!(matches!(missing, Err(NoPassword::File { .. })));
    }
}
