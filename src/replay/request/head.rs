use std::sync::OnceLock;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};

/// The URI and the headers of a request as bytes, one after the other, in one
/// vector.
///
/// They are parsed only for a resend, which few requests need. Cloning the URI
/// and the map would cost several times as much. It counts two references up
/// and down for each value, and it writes small pieces that are then read as
/// large ones, for which the processor waits.
///
/// Every value that `http` accepts is restored. A name or value that was built
/// without its checks is not, and [`is_readable`](Self::is_readable) reports
/// that.
pub(crate) struct FlatHead {
    bytes: Vec<u8>,
    uri: OnceLock<Box<Uri>>,
}

/// The size of the number before each header and before each part of the URI.
const MARK: usize = size_of::<u64>();

/// The bits of a header's mark that hold the length of its name, of which
/// `http` takes no longer one. The next bit is that of a sensitive value, and
/// all others hold the length of the value.
const NAME_BITS: u32 = u16::BITS;

impl FlatHead {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let pieces = pieces(uri);
        let size: usize = pieces
            .iter()
            .map(|piece| piece.map_or(0, <[u8]>::len))
            .sum();
        let (mut size, mut lengths) = (size + pieces.len() * MARK, 0);
        for (name, value) in headers {
            size += MARK + name.as_str().len() + value.len();
            lengths |= name.as_str().len();
        }
        if lengths >> NAME_BITS != 0 {
            return Self::unreadable();
        }
        let mut bytes = Vec::with_capacity(size);
        for piece in pieces {
            let marked = piece.map_or(0, |piece| piece.len() + 1);
            bytes.extend_from_slice(&(marked as u64).to_ne_bytes());
            bytes.extend_from_slice(piece.unwrap_or_default());
        }
        for (name, value) in headers {
            let name = name.as_str().as_bytes();
            let marked = (value.len() as u64) << 1 | u64::from(value.is_sensitive());
            let mark = marked << NAME_BITS | name.len() as u64;
            bytes.extend_from_slice(&mark.to_ne_bytes());
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(value.as_bytes());
        }
        Self::from(bytes)
    }

    /// In place of one with a name that is too long for a mark. `http` takes no
    /// such name in.
    fn unreadable() -> Self {
        Self::from(Vec::new())
    }

    fn from(bytes: Vec<u8>) -> Self {
        let uri = OnceLock::new();
        Self { bytes, uri }
    }

    pub(crate) fn uri(&self) -> &Uri {
        // An unreadable head is never resent, so any URI will do for it.
        self.uri
            .get_or_init(|| Box::new(Reader(&self.bytes).uri().unwrap_or_default()))
    }

    /// Whether all of it can be made again: a name or value that was made
    /// around `http`'s checks cannot.
    pub(super) fn is_readable(&self) -> bool {
        let mut reader = Reader(&self.bytes);
        if reader.uri().is_none() {
            return false;
        }
        while !reader.0.is_empty() {
            if reader.header().is_none() {
                return false;
            }
        }
        true
    }

    pub(super) fn into_parts(self) -> (Uri, HeaderMap) {
        let mut reader = Reader(&self.bytes);
        let uri = reader.uri().unwrap_or_default();
        let mut headers = HeaderMap::new();
        // One more, for what is set anew at each send, such as `Authorization`.
        // What a map cannot make room for at once still fits in: names that
        // come more than once share a place.
        let _ = headers.try_reserve(reader.count_headers() + 1);
        while let Some((name, value)) = reader.header() {
            headers.append(name, value);
        }
        (uri, headers)
    }
}

/// The parts that `http` makes a URI of. It is put together of the same ones
/// again and not of its text: old versions of `http` take a path without a
/// slash, which would become part of the host.
fn pieces(uri: &Uri) -> [Option<&[u8]>; 3] {
    [
        uri.scheme_str().map(str::as_bytes),
        uri.authority()
            .map(|authority| authority.as_str().as_bytes()),
        // `http` reports a missing path as a slash.
        uri.path_and_query()
            .filter(|_| !uri.path().is_empty())
            .map(|path| path.as_str().as_bytes()),
    ]
}

/// The bytes that are still unread.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn uri(&mut self) -> Option<Uri> {
        let [scheme, authority, path] = [self.piece()?, self.piece()?, self.piece()?];
        let mut parts = Parts::default();
        parts.scheme = scheme.map(Scheme::try_from).transpose().ok()?;
        parts.authority = authority.map(Authority::try_from).transpose().ok()?;
        parts.path_and_query = path.map(PathAndQuery::try_from).transpose().ok()?;
        Uri::from_parts(parts).ok()
    }

    fn piece(&mut self) -> Option<Option<&'a [u8]>> {
        match self.number()? {
            0 => Some(None),
            marked => self.bytes(usize::try_from(marked - 1).ok()?).map(Some),
        }
    }

    fn header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value, sensitive) = self.header_bytes()?;
        let name = HeaderName::from_bytes(name).ok()?;
        let mut value = HeaderValue::from_bytes(value).ok()?;
        value.set_sensitive(sensitive);
        Some((name, value))
    }

    fn header_bytes(&mut self) -> Option<(&'a [u8], &'a [u8], bool)> {
        let mark = self.number()?;
        let marked = mark >> NAME_BITS;
        let name = self.bytes(usize::try_from(mark & ((1 << NAME_BITS) - 1)).ok()?)?;
        let value = self.bytes(usize::try_from(marked >> 1).ok()?)?;
        Some((name, value, marked & 1 == 1))
    }

    fn count_headers(mut self) -> usize {
        std::iter::from_fn(|| self.header_bytes()).count()
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*number))
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests;
