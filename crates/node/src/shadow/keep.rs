//! What is kept of a body that passes by on its way to somebody else.

use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http_body::Frame;

use super::KEPT_BYTES_MAX;

/// A body as far as it has passed. Its bytes are copied: a piece may be a few of a large buffer, and would keep
/// all of it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: BytesMut,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Passing,
    Whole,
    /// Too long to be kept, or it broke off.
    Lost,
}

impl Kept {
    /// A body that has ended before it began, or not.
    pub(super) fn begin(ended: bool) -> Self {
        let state = if ended { State::Whole } else { State::Passing };
        Self { bytes: BytesMut::new(), state }
    }

    /// Looks at what was read of the body; `ended` says whether it has nothing more to say.
    pub(super) fn saw<E>(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, E>>>, ended: bool) {
        if self.state != State::Passing {
            return;
        }
        match polled {
            Poll::Pending => return,
            Poll::Ready(None) => self.state = State::Whole,
            Poll::Ready(Some(Err(_))) => self.lose(),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.push(data);
                }
            }
        }
        if ended && self.state == State::Passing {
            self.state = State::Whole;
        }
    }

    fn push(&mut self, data: &[u8]) {
        if self.bytes.len() + data.len() > KEPT_BYTES_MAX {
            self.lose();
        } else {
            self.bytes.extend_from_slice(data);
        }
    }

    fn lose(&mut self) {
        *self = Self { bytes: BytesMut::new(), state: State::Lost };
    }

    pub(super) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// The body, if all of it has passed.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        (self.state == State::Whole).then(|| self.bytes.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: impl Into<Bytes>) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }

    #[test]
    fn a_body_is_kept_when_all_of_it_has_passed() {
        let mut kept = Kept::begin(false);
        kept.saw(&piece("ab"), false);
        kept.saw::<()>(&Poll::Pending, false);
        assert_eq!(kept.whole(), None);
        kept.saw(&piece("c"), true);
        assert_eq!(kept.whole(), Some("abc".into()));
        assert_eq!(Kept::begin(true).whole(), Some(Bytes::new()));
    }

    #[test]
    fn a_body_that_is_too_long_or_breaks_off_is_lost() {
        let mut long = Kept::begin(false);
        long.saw(&piece(vec![0; KEPT_BYTES_MAX]), false);
        assert!(!long.is_lost());
        long.saw(&piece("x"), true);
        let mut broken = Kept::begin(false);
        broken.saw(&Poll::Ready(Some(Err(()))), true);
        for lost in [&mut long, &mut broken] {
            assert!(lost.is_lost() && lost.bytes.is_empty());
            lost.saw::<()>(&Poll::Ready(None), true);
            assert_eq!(lost.whole(), None);
        }
    }
}
