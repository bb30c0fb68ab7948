//! Credentials from a JSON file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use serde::Deserialize;
use tokio::runtime::Handle;

use super::{Credentials, CredentialsProvider};
use crate::{
    BoxError,
    genesys::{ConfigError, ConfigErrorKind, answer::without_mark},
};

/// An id and a secret are some hundred bytes; a longer file is the wrong file.
const LONGEST_FILE: u64 = 16 * 1024;

/// Reads the [`Credentials`] from a file at every fetch of a token. To rotate
/// the secret, replace the file.
///
/// The file holds a JSON object. White space around it, a byte order mark, and
/// further fields are ignored:
///
/// ```json
/// {"client_id": "…", "client_secret": "…"}
/// ```
///
/// It reads at most 16 KiB in one pass, so that id and secret belong together.
/// Write the new content to another file and rename that to the old name, as
/// Kubernetes does with mounted secrets. If you write in place, a fetch that
/// meets the half-written file fails.
///
/// Tokio's threads for blocking work read the file. Outside of a runtime, the
/// calling thread does.
///
/// # Errors
///
/// A [`ConfigError`] of the kind [`ConfigErrorKind::File`] if the file cannot
/// be read or does not have this form. The error names the path, and shows
/// nothing of the content.
///
/// # Cancellation
///
/// A read that has begun runs to its end; its result is dropped.
///
/// ```
/// use tower_genesys::genesys::{CredentialsProvider, FileCredentials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let provider = FileCredentials::new("/run/secrets/no-such-file.json");
/// let error = provider.credentials().await.unwrap_err();
/// assert!(error.to_string().contains("/run/secrets/no-such-file.json"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileCredentials {
    path: Arc<Path>,
}

#[derive(Deserialize)]
struct Pair {
    client_id: String,
    client_secret: String,
}

impl FileCredentials {
    /// Returns a provider for the file at this path. It first reads the file at
    /// a fetch.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into().into(),
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl CredentialsProvider for FileCredentials {
    async fn credentials(&self) -> Result<Credentials, BoxError> {
        let path = Arc::clone(&self.path);
        // Reading blocks, so a worker of the runtime does not do it.
        let Ok(runtime) = Handle::try_current() else {
            return Ok(read(&path)?);
        };
        Ok(runtime.spawn_blocking(move || read(&path)).await??)
    }
}

fn read(path: &Path) -> Result<Credentials, ConfigError> {
    let wrong = |what: &dyn std::fmt::Display| {
        let message = format!("the credentials file {}: {what}", path.display());
        ConfigError::new(ConfigErrorKind::File, message)
    };
    let content = File::open(path).and_then(content).map_err(|error| {
        wrong(&"it cannot be read; check the path and the rights of this process")
            .with_source(error)
    })?;
    if content.len() as u64 > LONGEST_FILE {
        return Err(wrong(&format_args!(
            "it has more than {LONGEST_FILE} bytes; name a file that holds only `client_id` and \
             `client_secret`"
        )));
    }
    // The text of serde's error may quote a secret, so only its position is
    // kept.
    let pair: Pair = serde_json::from_slice(without_mark(&content)).map_err(|error| {
        wrong(&format_args!(
            "it is not a JSON object with the texts `client_id` and `client_secret` (line {}, column \
             {}); write {{\"client_id\": \"…\", \"client_secret\": \"…\"}}",
            error.line(),
            error.column()
        ))
    })?;
    Credentials::new(pair.client_id, SecretString::from(pair.client_secret))
        .map_err(|error| wrong(&error))
}

/// Reads at most one byte more than the limit, which shows that a file is too
/// long.
fn content(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use std::{env, fs, process};

    use super::*;

    /// A file that goes away with the test.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str, content: &[u8]) -> Self {
            let path = env::temp_dir().join(format!("tower-genesys-{}-{name}", process::id()));
            fs::write(&path, content).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn reads_the_pair_with_or_without_a_runtime_and_again_when_it_changes() {
        let file = Temporary::new(
            "good",
            b" {\"client_id\": \"id\", \"client_secret\": \"s3cr3t\", \"note\": 1}\n\n",
        );
        let provider = FileCredentials::new(&file.0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let first = runtime.block_on(provider.credentials()).unwrap();
        assert_eq!((first.id(), first.secret()), ("id", "s3cr3t"));

        fs::write(&file.0, r#"{"client_id":"id2","client_secret":"next"}"#).unwrap();
        let next = futures_util::FutureExt::now_or_never(provider.credentials());
        let next = next.unwrap().unwrap();
        assert_eq!((next.id(), next.secret()), ("id2", "next"));
    }

    #[test]
    fn a_byte_order_mark_is_read_over() {
        let content = "\u{feff}{\"client_id\":\"id\",\"client_secret\":\"s3cr3t\"}";
        let file = Temporary::new("mark", content.as_bytes());
        let pair = read(&file.0).unwrap();
        assert_eq!((pair.id(), pair.secret()), ("id", "s3cr3t"));
    }

    #[test]
    fn names_the_path_and_shows_no_content() {
        let long = vec![b'M'; 17 * 1024];
        for (name, content) in [
            ("text", &b"MARK"[..]),
            ("quoted", br#""MARK""#),
            ("cut", br#"{"client_id":"MARK","client_secret":"MARK"#),
            (
                "number",
                br#"{"client_id":"MARK","client_secret":["MARK"]}"#,
            ),
            ("missing", br#"{"client_id":"MARK"}"#),
            ("empty", b""),
            ("none", br#"{"client_id":"MARK","client_secret":""}"#),
            ("break", br#"{"client_id":"MARK","client_secret":"MA\nRK"}"#),
            ("latin", b"{\"client_id\":\"MARK\xe4\"}"),
        ] {
            let file = Temporary::new(name, content);
            let error = read(&file.0).unwrap_err();
            let text = format!("{error} {error:?}");
            assert_eq!(error.kind(), ConfigErrorKind::File, "{text}");
            assert!(text.contains(&*file.0.to_string_lossy()), "{text}");
            assert!(!text.contains("MARK") && !text.contains("MMM"), "{text}");
        }
        let file = Temporary::new("long", &long);
        let error = read(&file.0).unwrap_err();
        assert!(
            error.to_string().contains("more than 16384 bytes"),
            "{error}"
        );
        assert_eq!(
            content(io::repeat(b' ').take(1 << 20)).unwrap().len(),
            16 * 1024 + 1
        );
        let error = read(Path::new("/no/such/file")).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
        let source = error.source().expect("the cause");
        assert!(source.is::<io::Error>(), "{source:?}");
    }
}
