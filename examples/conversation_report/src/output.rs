use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};
use sha2::{Digest, Sha256};
use tower_genesys::genesys::paging::{Checkpoint, Page};

use crate::{
    conversation::{Conversation, Format, Row},
    failure::{Code, Failure},
    slices::Slice,
    state::{self, Counts, Identity, State},
};

/// The locked file for the rows, and the file with the state beside it.
///
/// The order of writes keeps the two consistent: first the rows of a page, then
/// the state that counts them. Rows beyond the state belong to a page that was
/// not finished, and the next run removes them.
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    format: Format,
    digest: Sha256,
    identity: Identity,
    state: Option<State>,
}

impl Output {
    pub(crate) fn open(
        path: &Path,
        format: Format,
        identity: Identity,
        restart: bool,
    ) -> Result<Self, Failure> {
        let state = if restart { None } else { state::load(path)? };
        if state.is_some() && !path.exists() {
            let what = format!("{} is no longer there", path.display());
            return Err(state::unusable(path, &what));
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(path).map_err(Failure::io("opened", path))?;
        lock(&file, path)?;
        let mut output = Self {
            path: path.to_owned(),
            file,
            format,
            digest: Sha256::new(),
            identity,
            // Another run may have ended between the first check and the lock.
            state: if restart { None } else { state::load(path)? },
        };
        if restart {
            state::remove(path)?;
            output.cut(0).map_err(Failure::io("emptied", path))?;
        } else if output.state.is_some() {
            output.go_on()?;
        } else {
            output.must_be_empty()?;
        }
        Ok(output)
    }

    fn must_be_empty(&self) -> Result<(), Failure> {
        let length = self
            .file
            .metadata()
            .map_err(Failure::io("read", &self.path))?;
        if length.len() == 0 {
            return Ok(());
        }
        let message = format!(
            "{} is there already, and nothing beside it says that it is unfinished; choose another \
             --output, or empty it with --restart",
            self.path.display()
        );
        Err(Failure::new(Code::Unusable, message))
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        let Some(state) = self.state.clone() else {
            return Ok(());
        };
        let path = self.path.clone();
        let unusable = |what: String| Err(state::unusable(&path, &what));
        let shown = path.display();
        if state.identity != self.identity && state.rows == 0 {
            // There is nothing that another report could lose.
            self.state = None;
            return self.cut(0).map_err(Failure::io("emptied", &self.path));
        }
        if state.identity != self.identity {
            let differs = state.identity.difference(&self.identity);
            return unusable(format!("{shown} was begun with {differs}"));
        }
        let (length, digest) = self
            .digest_of(state.bytes)
            .map_err(Failure::io("read", &self.path))?;
        if length < state.bytes {
            return unusable(format!(
                "{shown} has {length} bytes, and {} of it were written",
                state.bytes
            ));
        }
        if state::hex(digest.clone().finalize()) != state.sha256 {
            return unusable(format!("{shown} was changed since it was written"));
        }
        self.digest = digest;
        self.cut(state.bytes)
            .map_err(Failure::io("cut", &self.path))
    }

    /// Returns the length of the file up to this many bytes, and the digest of
    /// that part.
    fn digest_of(&mut self, bytes: u64) -> io::Result<(u64, Sha256)> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(Read::by_ref(&mut self.file).take(bytes));
        let (mut length, mut digest) = (0, Sha256::new());
        loop {
            let read = reader.fill_buf()?;
            if read.is_empty() {
                return Ok((length, digest));
            }
            digest.update(read);
            let read = read.len();
            length += read as u64;
            reader.consume(read);
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    /// The place from which to continue.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        self.state.as_ref().map(|state| &state.checkpoint)
    }

    pub(crate) fn rows(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.rows)
    }

    fn bytes(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.bytes)
    }

    /// The slice with which to continue. The first is 0.
    pub(crate) fn slice(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.slice)
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.as_ref();
        state.map_or(Counts::new(Some(0)), |state| state.counts)
    }

    /// Stores a place without rows. That is the beginning, so that later rows
    /// are known to belong to this report, or a job that was started.
    pub(crate) fn reach(&mut self, place: &Checkpoint) -> Result<(), Failure> {
        if self.checkpoint() == Some(place) {
            return Ok(());
        }
        let state = self.state_at(place.clone());
        self.keep(state)
    }

    /// Stores the beginning of the next slice. Until then, a run resumes at the
    /// end of the last one.
    pub(crate) fn next_slice(&mut self, beginning: &Checkpoint) -> Result<(), Failure> {
        let mut state = self.state_at(beginning.clone());
        state.slice += 1;
        state.counts = Counts::new(state.counts.total());
        self.keep(state)
    }

    /// Writes the conversations of a page that belong to its slice to the disk,
    /// and then the place after the page.
    pub(crate) fn append(
        &mut self,
        page: Page<Conversation>,
        slice: &Slice,
    ) -> Result<(), Failure> {
        let read = page.rows.len() as u64;
        let rows = slice.own(page.rows.into_iter().map(Row::from).collect())?;
        let bytes = self
            .write(&rows)
            .map_err(Failure::io("written", &self.path))?;
        let mut state = self.state_at(page.checkpoint);
        state.bytes += bytes;
        state.sha256 = state::hex(self.digest.clone().finalize());
        state.rows += rows.len() as u64;
        state.counts.found = page.total;
        state.counts.read += read;
        state.counts.foreign += read - rows.len() as u64;
        self.keep(state)
    }

    /// The current state, at this place.
    fn state_at(&self, place: Checkpoint) -> State {
        State {
            identity: self.identity.clone(),
            slice: self.slice(),
            checkpoint: place,
            counts: self.counts(),
            bytes: self.bytes(),
            sha256: state::hex(self.digest.clone().finalize()),
            rows: self.rows(),
        }
    }

    fn keep(&mut self, state: State) -> Result<(), Failure> {
        state::save(&self.path, &state)?;
        self.state = Some(state);
        Ok(())
    }

    fn write(&mut self, rows: &[Row]) -> io::Result<u64> {
        let bytes = self.format.encode(rows, self.bytes() == 0)?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.digest.update(&bytes);
        Ok(bytes.len() as u64)
    }

    /// Removes all traces of a run that ended where it began. A request that
    /// was refused from the start, for example because of a wrong filter, must
    /// not block the file for a correct one.
    pub(crate) fn give_up(&self, beginning: &Checkpoint) -> Result<(), Failure> {
        // An earlier slice without rows may have written the header, which the
        // state counts.
        match self.bytes() == 0 && self.checkpoint() == Some(beginning) {
            true => state::remove(&self.path),
            false => Ok(()),
        }
    }

    /// Marks the report as complete, by removing the state.
    pub(crate) fn complete(self) -> Result<(), Failure> {
        state::remove(&self.path)
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Failure> {
    match FileExt::try_lock(file) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "another run writes to {}; wait for its end, or choose another --output",
                path.display()
            );
            Err(Failure::new(Code::Locked, message))
        }
        Err(TryLockError::Error(error)) => Err(Failure::io("locked", path)(error)),
    }
}
