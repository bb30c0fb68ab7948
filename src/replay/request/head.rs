//! A compact copy of the URI and the headers of a request.

use std::sync::OnceLock;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};

/// The URI and the headers of a request as bytes, one after the other, in one
/// vector.
///
/// They are parsed only for a resend, which few requests need. Cloning the URI
/// and the map would cost several times as much: it increments and decrements
/// two reference counts for each value, and it writes small pieces that are
/// then read as large ones, for which the processor waits.
///
/// Every value that `http` accepts is restored. A name or value that was built
/// without its checks is not, and [`is_readable`](Self::is_readable) reports
/// that.
pub(crate) struct FlatHead {
    /// The three parts of the URI, then the headers. Before each is a number:
    ///
    /// - for a part of the URI, zero if it is missing, otherwise its length
    ///   plus one;
    /// - for a header, from the lowest bit: the length of its name
    ///   ([`NAME_BITS`]), whether its value is sensitive (one bit), and the
    ///   length of its value.
    bytes: Vec<u8>,
    /// The parsed URI, after the first call of [`uri`](Self::uri).
    uri: OnceLock<Box<Uri>>,
}

/// The size of the number before each header and before each part of the URI.
const MARK: usize = size_of::<u64>();

/// The bits of a header's number with the length of its name. `http` accepts no
/// longer name.
const NAME_BITS: u32 = u16::BITS;

impl FlatHead {
    /// Copies the head of a request, in one allocation.
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
        // `lengths` is the bitwise "or" of all lengths, so that one check after
        // the loop finds a name that is too long.
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

    /// Replaces a head with a name that is too long for its number. `http`
    /// accepts no such name.
    fn unreadable() -> Self {
        Self::from(Vec::new())
    }

    fn from(bytes: Vec<u8>) -> Self {
        let uri = OnceLock::new();
        Self { bytes, uri }
    }

    /// Returns the URI, for classifiers and predicates.
    pub(crate) fn uri(&self) -> &Uri {
        // An unreadable head is never resent, so any URI will do for it.
        self.uri
            .get_or_init(|| Box::new(Reader(&self.bytes).uri().unwrap_or_default()))
    }

    /// Whether all of it can be restored. A name or value that was built
    /// without the checks of `http` cannot.
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

    /// Restores the URI and the headers. Call
    /// [`is_readable`](Self::is_readable) first: this one stops at a header
    /// that it cannot restore.
    pub(super) fn into_parts(self) -> (Uri, HeaderMap) {
        let mut reader = Reader(&self.bytes);
        let uri = reader.uri().unwrap_or_default();
        let mut headers = HeaderMap::new();
        // One more, for `Authorization`, which is set at each send. A failure
        // is ignored: the headers fit even if a map cannot reserve so many
        // places, because values of one name share a place.
        let _ = headers.try_reserve(reader.count_headers() + 1);
        while let Some((name, value)) = reader.header() {
            headers.append(name, value);
        }
        (uri, headers)
    }
}

/// Returns the parts of a URI: scheme, authority, path with query.
///
/// The copy is built from these, not from the text. Old versions of `http`
/// accept a path without a slash, which would become part of the host in the
/// text.
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

/// The unread rest of the bytes. Each method returns `None` if they are
/// malformed, or are not valid for `http`.
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

    /// Reads one part of the URI: `Some(None)` if the URI does not have it.
    fn piece(&mut self) -> Option<Option<&'a [u8]>> {
        match self.number()? {
            0 => Some(None),
            marked => self.bytes(usize::try_from(marked - 1).ok()?).map(Some),
        }
    }

    /// Reads a header, with the checks of `http`.
    fn header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value, sensitive) = self.header_bytes()?;
        let name = HeaderName::from_bytes(name).ok()?;
        let mut value = HeaderValue::from_bytes(value).ok()?;
        value.set_sensitive(sensitive);
        Some((name, value))
    }

    /// Reads a header without checks: name, value, and whether it is sensitive.
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
