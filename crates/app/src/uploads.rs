//! Bytes that a face hands over piece by piece, before they are sent as a file. They are in memory only, and gone when the
//! account is locked.

use crate::{Error, ErrorCode};
use outis_messenger::Given;
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// What was handed over, oldest first.
#[derive(Default)]
pub(crate) struct Uploads {
    named: u64,
    waiting: VecDeque<Upload>,
}

struct Upload {
    name: u64,
    size: usize,
    /// As they came: one growing piece would leave copies behind.
    pieces: Vec<Zeroizing<Vec<u8>>>,
}

impl Uploads {
    /// Adds to an upload, or begins one; the oldest is forgotten where too many wait. Gives its name and size.
    pub(crate) fn put(&mut self, name: Option<&str>, bytes: &[u8]) -> Result<(String, usize), Error> {
        let upload = match name {
            Some(name) => self.find(name)?,
            None => {
                if self.waiting.len() >= WAITING {
                    self.waiting.pop_front();
                }
                self.named += 1;
                self.waiting.push_back(Upload {
                    name: self.named,
                    size: 0,
                    pieces: Vec::new(),
                });
                self.waiting.len() - 1
            }
        };
        let upload = self.waiting.get_mut(upload).ok_or_else(not_found)?;
        let size = upload.size.saturating_add(bytes.len());
        if size > Given::MAX_BYTES || upload.pieces.len() >= PIECES {
            return Err(too_large());
        }
        upload.size = size;
        upload.pieces.push(Zeroizing::new(bytes.to_vec()));
        Ok((upload.name.to_string(), size))
    }

    /// All of an upload and what comes last; it does not wait any more.
    pub(crate) fn take(&mut self, name: Option<&str>, last: &[u8]) -> Result<Vec<u8>, Error> {
        let place = name.map(|name| self.find(name)).transpose()?;
        let waiting = place.and_then(|place| self.waiting.get(place));
        let size = waiting.map_or(0, |upload| upload.size).saturating_add(last.len());
        if size > Given::MAX_BYTES {
            return Err(too_large());
        }
        let upload = place.and_then(|place| self.waiting.remove(place));
        let mut all = Vec::with_capacity(size);
        for piece in upload.iter().flat_map(|upload| &upload.pieces) {
            all.extend_from_slice(piece);
        }
        all.extend_from_slice(last);
        Ok(all)
    }

    fn find(&self, name: &str) -> Result<usize, Error> {
        let is_it = |upload: &Upload| upload.name.to_string() == name;
        self.waiting.iter().position(is_it).ok_or_else(not_found)
    }
}

fn not_found() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such upload")
}

fn too_large() -> Error {
    Error::new(ErrorCode::TooLarge, "more than 16 MiB go as a file only")
}

/// Uploads that wait at once.
const WAITING: usize = 4;

/// Pieces of one.
const PIECES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together_and_taken_once() {
        let mut uploads = Uploads::default();
        let (name, size) = uploads.put(None, b"wine-").unwrap();
        assert_eq!(size, 5);
        assert_eq!(uploads.put(Some(&name), b"dark ").unwrap(), (name.clone(), 10));
        assert_eq!(uploads.take(Some(&name), b"sea").unwrap(), b"wine-dark sea");
        let gone = uploads.take(Some(&name), b"").unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
        assert_eq!(uploads.take(None, b"at once").unwrap(), b"at once");
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_size() {
        let mut uploads = Uploads::default();
        let names: Vec<String> = (0..5).map(|_| uploads.put(None, b"x").unwrap().0).collect();
        assert_eq!(
            uploads.put(Some(&names[0]), b"y").unwrap_err().code,
            ErrorCode::NotFound
        );
        let most = vec![0; Given::MAX_BYTES - 1];
        uploads.put(Some(&names[1]), &most).unwrap();
        assert_eq!(
            uploads.put(Some(&names[1]), b"y").unwrap_err().code,
            ErrorCode::TooLarge
        );
        assert_eq!(
            uploads.take(Some(&names[1]), b"y").unwrap_err().code,
            ErrorCode::TooLarge
        );
        assert_eq!(uploads.take(Some(&names[1]), b"").unwrap().len(), Given::MAX_BYTES);
        for _ in 1..PIECES {
            uploads.put(Some(&names[2]), b"").unwrap();
        }
        assert_eq!(uploads.put(Some(&names[2]), b"").unwrap_err().code, ErrorCode::TooLarge);
    }
}
