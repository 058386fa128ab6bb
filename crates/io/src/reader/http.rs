//! Responses of HTTP as crawlers keep them: the head, and the body without what transport did.
//!
//! Read leniently: what is archived is what servers sent, and it was a browser that had to make
//! sense of it.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::record::too_long;
use crate::decode::Note;

/// The head of a response.
pub(crate) struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Where the body begins.
    end: usize,
}

/// The body of a response, as the server had it.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) notes: Vec<Note>,
}

/// Names in lower case and values of a block of header lines, also those of WARC.
pub(crate) fn headers(block: &[u8]) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in block.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        // A line that begins with a blank goes on with the one before.
        if text.starts_with([' ', '\t'])
            && let Some((_, value)) = headers.last_mut()
        {
            *value = format!("{value} {}", text.trim());
        } else if let Some((name, value)) = text.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    headers
}

/// The value of the first header of a name, which is given in lower case.
pub(crate) fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let (_, value) = headers.iter().find(|(known, _)| known == name)?;
    Some(value)
}

impl Head {
    /// Reads the head; `None` if there is no status line.
    pub(crate) fn of(message: &[u8]) -> Option<Self> {
        if !message.starts_with(b"HTTP/") {
            return None;
        }
        let end = ["\r\n\r\n", "\n\n"]
            .iter()
            .filter_map(|end| {
                let at = memchr::memmem::find(message, end.as_bytes())?;
                Some((at, at + end.len()))
            })
            .min()
            .map_or(message.len(), |(_, end)| end);
        let line = message.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        let status = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(Self {
            status,
            headers: headers(&message[..end]),
            end,
        })
    }

    /// Whether the body is a web page that somebody asked for and got.
    pub(crate) fn is_page(&self, message: &[u8]) -> bool {
        let pages = ["text/html", "application/xhtml+xml"];
        let named = match header(&self.headers, "content-type") {
            Some(media) => {
                let media = media.trim_start().to_ascii_lowercase();
                pages.iter().any(|page| media.starts_with(page))
            }
            None => {
                let start: Vec<u8> = message[self.end..]
                    .iter()
                    .skip_while(|byte| byte.is_ascii_whitespace())
                    .take(14)
                    .map(u8::to_ascii_lowercase)
                    .collect();
                start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
            }
        };
        self.status == 200 && named
    }

    /// The encoding that the server names.
    pub(crate) fn charset(&self) -> Option<&str> {
        let media = header(&self.headers, "content-type")?;
        media.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
        })
    }

    /// Takes chunks together and unpacks what was packed. Crawlers often do either and leave the
    /// header as it was: then the body is taken as it is.
    ///
    /// # Errors
    /// With code and message, if it is packed in a way that nobody here can unpack, or has more
    /// than `limit` bytes.
    pub(crate) fn body(
        &self,
        message: &[u8],
        limit: usize,
    ) -> Result<Body, (&'static str, String)> {
        let mut notes = Vec::new();
        let body = &message[self.end..];
        let has = |name, what| {
            header(&self.headers, name)
                .is_some_and(|value| value.to_ascii_lowercase().contains(what))
        };
        let mut bytes = match has("transfer-encoding", "chunked").then(|| unchunk(body)) {
            Some(Some((bytes, whole))) => {
                if !whole {
                    notes.push(cut_off());
                }
                bytes
            }
            Some(None) | None => body.to_vec(),
        };
        let coding = header(&self.headers, "content-encoding").unwrap_or("identity");
        for coding in coding.to_ascii_lowercase().rsplit(',').map(str::trim) {
            let unpacked = match coding {
                "" | "identity" | "utf-8" | "none" => continue,
                "gzip" | "x-gzip" if bytes.starts_with(&[0x1F, 0x8B]) => {
                    unpack(MultiGzDecoder::new(&bytes[..]), limit)
                }
                "deflate" if looks_like_text(&bytes) => continue,
                // Servers disagree on whether its header belongs to it.
                "deflate" => match unpack(ZlibDecoder::new(&bytes[..]), limit) {
                    (start, false) if start.is_empty() => {
                        unpack(DeflateDecoder::new(&bytes[..]), limit)
                    }
                    unpacked => unpacked,
                },
                "zstd" if bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) => {
                    match zstd::Decoder::new(&bytes[..]) {
                        Ok(decoder) => unpack(decoder, limit),
                        Err(_) => (Vec::new(), false),
                    }
                }
                _ if looks_like_text(&bytes) => continue,
                other => {
                    let message = format!(
                        "its body is compressed with `{other}`, which copydesk does not unpack; \
                         crawlers that store bodies as they decode them avoid it"
                    );
                    return Err(("unsupported-encoding", message));
                }
            };
            if !unpacked.1 {
                notes.push(cut_off());
            }
            bytes = unpacked.0;
        }
        if bytes.len() > limit {
            return Err(("too-large", format!("the page {}", too_long(limit, None))));
        }
        Ok(Body { bytes, notes })
    }
}

fn cut_off() -> Note {
    Note {
        code: "truncated",
        message: "the body ends before its end".to_owned(),
    }
}

/// Whether bytes are what they were before somebody packed them.
fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let plain = start.iter().filter(|byte| text(byte)).count();
    plain * 10 >= start.len() * 9
}

/// What could be unpacked, and whether that is all.
fn unpack(packed: impl Read, limit: usize) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let whole = packed
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .is_ok();
    (bytes, whole)
}

/// Takes the chunks of a body together (RFC 9112, 7.1), and says whether the last of them is
/// there; `None` if it does not come in chunks.
fn unchunk(body: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut rest = body;
    let mut any = false;
    loop {
        let size = memchr::memchr(b'\n', rest).and_then(|end| {
            let line = std::str::from_utf8(&rest[..end]).ok()?;
            let digits = line.split(';').next()?.trim();
            rest = &rest[end + 1..];
            usize::from_str_radix(digits, 16).ok()
        });
        match size {
            None if !any => return None,
            None => return Some((bytes, false)),
            Some(0) => return Some((bytes, true)),
            Some(size) => {
                any = true;
                bytes.extend_from_slice(&rest[..size.min(rest.len())]);
                if size > rest.len() {
                    return Some((bytes, false));
                }
                rest = &rest[size..];
                rest = rest
                    .strip_prefix(b"\r\n")
                    .or(rest.strip_prefix(b"\n"))
                    .unwrap_or(rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMIT: usize = 1000;

    fn body(head: &str, bytes: &[u8]) -> Result<(String, usize), (&'static str, String)> {
        let message = [
            format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(),
            bytes,
        ]
        .concat();
        let body = Head::of(&message).unwrap().body(&message, LIMIT)?;
        let text = String::from_utf8(body.bytes).unwrap();
        Ok((text, body.notes.len()))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn chunks_are_taken_together() {
        let chunked = "Transfer-Encoding: chunked";
        let chunks = b"5\r\nThe f\r\nA;name=value\r\nerry sails\r\n0\r\n\r\n";
        assert_eq!(
            body(chunked, chunks).unwrap(),
            ("The ferry sails".into(), 0)
        );
        let cut = &chunks[..chunks.len() - 9];
        assert_eq!(body(chunked, cut).unwrap(), ("The ferry sai".into(), 1));
        // Many crawlers take them together and leave the header.
        assert_eq!(
            body(chunked, b"<p>Already</p>").unwrap().0,
            "<p>Already</p>"
        );
        assert_eq!(body(chunked, b"").unwrap().0, "");
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let page = b"<p>The ferry sails.</p>";
        let packed = gzip(page);
        let said = "Content-Encoding: gzip";
        assert_eq!(body(said, &packed).unwrap().0.as_bytes(), page);
        assert_eq!(
            body(said, page).unwrap().0.as_bytes(),
            page,
            "unpacked by the crawler"
        );
        let zlib = {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(page).unwrap();
            encoder.finish().unwrap()
        };
        // Its header has two bytes, its checksum four.
        for packed in [&zlib[..], &zlib[2..zlib.len() - 4]] {
            assert_eq!(
                body("content-encoding: deflate", packed)
                    .unwrap()
                    .0
                    .as_bytes(),
                page
            );
        }
        let size = format!("{:x}\r\n", packed.len());
        let chunks = [size.as_bytes(), &packed, b"\r\n0\r\n\r\n"];
        let both = "Transfer-Encoding: chunked\r\nContent-Encoding: gzip";
        assert_eq!(
            body(both, &chunks.concat()).unwrap(),
            ("<p>The ferry sails.</p>".into(), 0)
        );
        assert_eq!(
            body("Content-Encoding: br", &[0x8F; 40]).unwrap_err().0,
            "unsupported-encoding"
        );
        assert_eq!(
            body(said, &gzip(&[b'x'; LIMIT + 1])).unwrap_err().0,
            "too-large"
        );
    }

    #[test]
    fn pages_are_known_by_status_and_media_type() {
        let is_page = |message: &str| {
            Head::of(message.as_bytes())
                .unwrap()
                .is_page(message.as_bytes())
        };
        assert!(is_page(
            "HTTP/1.0 200 OK\r\nContent-Type: Text/HTML; charset=x\r\n\r\n"
        ));
        assert!(is_page(
            "HTTP/2 200\nContent-Type:\n application/xhtml+xml\n\n"
        ));
        assert!(is_page(
            "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n \n<!DOCTYPE HTML>"
        ));
        assert!(!is_page(
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n"
        ));
        assert!(!is_page(
            "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n<html>"
        ));
        assert!(Head::of(b"<html>").is_none());
    }

    #[test]
    fn the_charset_is_what_the_media_type_names() {
        let charset = |media: &str| {
            let message = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\n\r\n");
            Head::of(message.as_bytes())
                .unwrap()
                .charset()
                .map(str::to_owned)
        };
        assert_eq!(
            charset("text/html; charset=\"ISO-8859-1\"").as_deref(),
            Some("ISO-8859-1")
        );
        assert_eq!(
            charset("text/html;boundary=a; Charset = utf-8").as_deref(),
            Some("utf-8")
        );
        assert_eq!(charset("text/html; charset="), None);
        assert_eq!(charset("text/html"), None);
    }
}
