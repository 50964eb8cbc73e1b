//! What stands in front of the HTTP library on a connection: reads the heads of HTTP/1 before it does.
//!
//! A head that the library could not read is kept from it. In its place it gets a request without meaning, and whoever
//! answers requests finds here which one that is and [what is wrong with it](Unread): so the answer comes in its turn,
//! behind those to requests before, and is logged and framed like all others. Nothing is read behind it.
//!
//! To find the heads, bodies are followed. Should the library come to another end of one all the same, nothing worse
//! happens than that it answers by itself, or that a good request is refused: who may do what is decided behind it.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use bytes::{Buf, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::chunks::Chunks;
use super::head::{self, HEAD_BYTES_MAX, HTTP2_PREFACE, Length, Unread};
use super::pulse::{Hold, Pulse};
use super::refusal::Refusal;

/// What is read from the socket at a time, in bytes.
const READ_BYTES: usize = 8 * 1024;

/// The request of a connection that could not be read, for whoever answers it. There is only one: nothing is read behind
/// it.
#[derive(Debug, Default)]
pub struct Refused(Mutex<Option<(u64, Unread)>>);

impl Refused {
    /// What there is to say of the request with this number, counted from 1.
    pub fn take(&self, request: u64) -> Option<Unread> {
        let mut refused = self.0.lock();
        let (_, unread) = refused.take_if(|(number, _)| *number == request)?;
        Some(unread)
    }

    fn set(&self, request: u64, unread: Unread) {
        *self.0.lock() = Some((request, unread));
    }
}

/// What comes next on a connection.
enum Next {
    /// A head, which does not end in so many bytes.
    Head(usize),
    /// So many bytes of a body.
    Body(u64),
    /// The rest of a body.
    Chunks(Chunks),
    /// HTTP/2, of which nothing is read here.
    Anything,
    /// Nothing, once what is there has been passed on.
    Nothing,
    /// The end of the stream.
    End,
}

/// A head that does not come at once.
struct Waiting {
    /// When it will have taken too long.
    until: Pin<Box<Sleep>>,
    /// The connection is not idle.
    _hold: Hold,
}

/// A connection whose heads are looked at.
pub struct Front<S> {
    stream: S,
    pulse: Arc<Pulse>,
    refused: Arc<Refused>,
    /// How long a head may take.
    head_timeout: Duration,
    /// Why no request is answered here, if none is.
    refuses: Option<&'static str>,
    next: Next,
    /// Requests that have begun.
    requests: u64,
    /// What was read and not looked at.
    unread: BytesMut,
    /// What is passed on.
    passing: Bytes,
    waiting: Option<Waiting>,
}

impl<S> Front<S> {
    /// Looks at what comes from the stream. What cannot be read is left in `refused`.
    pub fn new(
        stream: S,
        pulse: Arc<Pulse>,
        refused: Arc<Refused>,
        head_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            pulse,
            refused,
            head_timeout,
            refuses: None,
            next: Next::Head(0),
            requests: 0,
            unread: BytesMut::new(),
            passing: Bytes::new(),
            waiting: None,
        }
    }

    /// Refuses whatever comes, for this reason.
    pub fn refusing(self, why: Option<&'static str>) -> Self {
        Self {
            refuses: why,
            ..self
        }
    }

    /// Passes on what can be of what was read.
    fn look(&mut self) {
        match &mut self.next {
            Next::Head(searched) => {
                let searched = *searched;
                self.look_at_head(searched);
            }
            Next::Body(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX);
                let here = here.min(self.unread.len());
                *left -= here as u64;
                if *left == 0 {
                    self.next = Next::Head(0);
                }
                self.pass(here);
            }
            Next::Chunks(chunks) => match chunks.follow(&self.unread) {
                Ok(here) => {
                    if *chunks == Chunks::Over {
                        self.next = Next::Head(0);
                    }
                    self.pass(here);
                }
                // The library will find that the body is not whole.
                Err(_) => self.next = Next::End,
            },
            Next::Anything => self.pass(self.unread.len()),
            Next::Nothing | Next::End => {}
        }
    }

    fn look_at_head(&mut self, searched: usize) {
        while let [b'\n', ..] | [b'\r', b'\n', ..] = self.unread[..] {
            // Empty lines in front are nothing (RFC 9112, section 2.2).
            self.unread.advance(1);
        }
        if let Some(refusal) = head::begins_wrong(&self.unread)
            && self.unread[..] != b"\r"[..]
        {
            return self.refuse(refusal);
        }
        if self.refuses.is_none() && self.speaks_http2() {
            match self.unread.len() < HTTP2_PREFACE.len() {
                true => self.next = Next::Head(0),
                false => {
                    self.next = Next::Anything;
                    self.waiting = None;
                    self.pass(self.unread.len());
                }
            }
            return;
        }
        let Some(end) = head::end(&self.unread, searched) else {
            if self.unread.len() > HEAD_BYTES_MAX {
                let refusal = head::too_long(&self.unread);
                return self.refuse(refusal);
            }
            self.next = Next::Head(self.unread.len());
            return;
        };
        let text = self.unread.split_to(end).freeze();
        self.waiting = None;
        if let Some(why) = self.refuses {
            let refusal = Refusal::bad_request(why);
            return self.refuse_as(Unread::new(&text, refusal));
        }
        match head::read(text.clone()) {
            Ok(head) => {
                self.requests += 1;
                self.passing = head.text;
                self.next = match head.body {
                    Length::Bytes(0) => Next::Head(0),
                    Length::Bytes(length) => Next::Body(length),
                    Length::Chunked => Next::Chunks(Chunks::default()),
                };
            }
            Err(refusal) => self.refuse_as(Unread::new(&text, refusal)),
        }
    }

    fn pass(&mut self, bytes: usize) {
        self.passing = self.unread.split_to(bytes).freeze();
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }

    /// Refuses the request that is being read.
    fn refuse(&mut self, refusal: Refusal) {
        let unread = Unread::new(&self.unread, refusal);
        self.refuse_as(unread);
    }

    fn refuse_as(&mut self, unread: Unread) {
        // The library must know that the answer has no body.
        let method = match unread.method {
            Method::HEAD => "HEAD",
            _ => "GET",
        };
        let instead = format!("{method} / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n");
        self.requests += 1;
        self.refused.set(self.requests, unread);
        self.waiting = None;
        self.unread = BytesMut::new();
        self.passing = instead.into();
        self.next = Next::Nothing;
    }

    /// Only the first bytes of a connection say so.
    fn speaks_http2(&self) -> bool {
        self.requests == 0 && head::is_http2(&self.unread)
    }

    fn in_head(&self) -> bool {
        matches!(self.next, Next::Head(_)) && !self.unread.is_empty()
    }
}

impl<S: AsyncRead + Unpin> Front<S> {
    /// Reads some more; false at the end of the stream.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut space = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut space))?;
        self.unread.extend_from_slice(space.filled());
        Poll::Ready(Ok(!space.filled().is_empty()))
    }

    /// Nothing has come: the head that is being read may have taken too long.
    fn poll_too_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.in_head() {
            return Poll::Pending;
        }
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            until: Box::pin(sleep(self.head_timeout)),
            _hold: Hold::new(&self.pulse),
        });
        ready!(waiting.until.as_mut().poll(context));
        match self.speaks_http2() {
            // A client of HTTP/2 would not understand.
            true => self.next = Next::End,
            false => self.refuse(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "the request's head did not come in time",
            )),
        }
        Poll::Ready(())
    }

    fn ended(&mut self) {
        match self.in_head() && !self.speaks_http2() {
            true => self.refuse(Refusal::bad_request("the request ends within its head")),
            false => self.next = Next::End,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Front<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.passing.is_empty() {
                let here = this.passing.len().min(buffer.remaining());
                buffer.put_slice(&this.passing.split_to(here));
                if this.passing.is_empty() {
                    this.passing = Bytes::new();
                }
                return Poll::Ready(Ok(()));
            }
            match this.next {
                Next::Nothing => return Poll::Pending,
                Next::End => return Poll::Ready(Ok(())),
                Next::Anything if this.unread.is_empty() => {
                    return Pin::new(&mut this.stream).poll_read(context, buffer);
                }
                _ => {}
            }
            if !this.unread.is_empty() {
                this.look();
                let is_stuck = this.passing.is_empty() && this.in_head();
                if !is_stuck {
                    continue;
                }
            }
            match this.poll_more(context)? {
                Poll::Ready(true) => {}
                Poll::Ready(false) => this.ended(),
                Poll::Pending => ready!(this.poll_too_late(context)),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Front<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures::FutureExt;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What comes piece by piece, and then ends.
    struct Pieces(VecDeque<Vec<u8>>);

    impl Pieces {
        fn cut(bytes: &[u8], cuts: &[usize]) -> Self {
            let mut places: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces = places
                .windows(2)
                .map(|pair| bytes[pair[0]..pair[1]].to_vec());
            Self(pieces.filter(|piece| !piece.is_empty()).collect())
        }
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(mut piece) = self.0.pop_front() {
                let rest = piece.split_off(piece.len().min(buffer.remaining()));
                buffer.put_slice(&piece);
                if !rest.is_empty() {
                    self.0.push_front(rest);
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    /// What the library gets to read of these bytes, whether that ends, and what is refused.
    fn passed(pieces: Pieces) -> (Vec<u8>, bool, Option<(u64, Unread)>) {
        let refused = Arc::new(Refused::default());
        let mut front = Front::new(
            pieces,
            Arc::default(),
            Arc::clone(&refused),
            Duration::from_secs(30),
        );
        let mut text = Vec::new();
        let ended = front.read_to_end(&mut text).now_or_never();
        let refused = refused.0.lock().take();
        (text, ended.is_some(), refused)
    }

    #[test]
    fn what_cannot_be_read_is_replaced_and_nothing_follows() {
        let bytes = b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
        let (text, ended, refused) = passed(Pieces::cut(bytes, &[]));
        let text = String::from_utf8(text).unwrap();
        let (first, second) = text.split_at(text.find("\r\n\r\n").unwrap() + 4);
        assert_eq!(first, "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(second.starts_with("HEAD / HTTP/1.1\r\n"), "{second}");
        assert!(!text.contains("/c") && !ended);
        let (number, unread) = refused.unwrap();
        assert_eq!((number, unread.path.as_str()), (2, "/b"));
    }

    #[test]
    fn http2_passes_as_it_is() {
        let bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0GET \"\r\n\r\n";
        let (text, ended, refused) = passed(Pieces::cut(bytes, &[3, 18, 20]));
        assert!(ended && refused.is_none());
        assert_eq!(text, bytes);
    }

    #[test]
    fn http2_begins_a_connection_or_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            let (text, ended, refused) = passed(Pieces::cut(bytes, &[3, 20]));
            assert!(!String::from_utf8(text).unwrap().contains("PRI") && !ended);
            assert_eq!(refused.map(|(_, unread)| unread.path).as_deref(), Some("*"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(bytes in vec(any::<u8>(), 0..300), cuts in vec(0..300_usize, 0..5)) {
            let (_, ended, refused) = passed(Pieces::cut(&bytes, &cuts));
            prop_assert!(ended || refused.is_some());
        }

        /// Requests in a row are told from their bodies, however they come.
        #[test]
        fn good_requests_pass(
            requests in vec(("/[a-z\"]{0,9}", vec(any::<u8>(), 0..60), any::<bool>()), 0..5),
            cuts in vec(0..2_000_usize, 0..9),
        ) {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for (target, body, is_chunked) in &requests {
                let (length, body) = match is_chunked {
                    false => (format!("Content-Length: {}", body.len()), body.clone()),
                    true => {
                        let mut chunks = Vec::new();
                        for chunk in body.chunks(20) {
                            chunks.extend(format!("{:X}\r\n", chunk.len()).bytes());
                            chunks.extend(chunk);
                            chunks.extend(b"\r\n");
                        }
                        chunks.extend(b"0\r\nA: b\r\n\r\n");
                        ("Transfer-Encoding: chunked".to_owned(), chunks)
                    }
                };
                for (text, target) in [(&mut sent, target.clone()), (&mut expected, target.replace('"', "%22"))] {
                    text.extend(format!("POST {target} HTTP/1.1\r\n{length}\r\n\r\n").bytes());
                    text.extend(&body);
                }
            }
            let (text, ended, refused) = passed(Pieces::cut(&sent, &cuts));
            prop_assert!(ended && refused.is_none());
            prop_assert_eq!(text, expected);
        }
    }
}
