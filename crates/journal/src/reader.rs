//! Reading the journal in its order, from any place, while it grows.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::format::batches::Codes;
use crate::format::walk::{Extent, Step, Want, step};
use crate::frame::{Damage, Frame, Item, Position, SegmentId};
use crate::index::Look;
use crate::shared::Shared;

/// Reads frames in order. Only what is durable is handed out.
pub struct Reader {
    shared: Arc<Shared>,
    position: Position,
    open: Option<(SegmentId, Box<dyn DiskFile>)>,
    codes: Codes,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, position: Position) -> Self {
        Self { shared, position, open: None, codes: Codes::default() }
    }

    /// The place of what comes next.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Goes on from this place.
    pub const fn seek(&mut self, position: Position) {
        self.position = position;
    }

    /// What comes next. `None`: nothing yet. Segments that were removed are passed over.
    ///
    /// # Errors
    /// The disk does not give the bytes. The place stays as it is: try again, or give the segment up with
    /// [`Reader::skip_segment`].
    #[expect(clippy::should_implement_trait, reason = "what is at its end may go on")]
    pub fn next(&mut self) -> Result<Option<Item>, JournalError> {
        match self.shared.index.look(self.position) {
            Look::Nothing(position) => {
                self.position = position;
                Ok(None)
            }
            Look::Frame(frame) => {
                self.position = frame.next_position;
                Ok(Some(Item::Frame(frame)))
            }
            Look::Read(position, extent) => {
                self.position = position;
                let read = self.read(extent);
                read.map_err(JournalError::disk(format!("read segment {}", position.segment)))
            }
        }
    }

    /// What comes next, waiting for it no longer than this. `None`: nothing came.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn wait_next(&mut self, time: Duration) -> Result<Option<Item>, JournalError> {
        let until = Instant::now() + time;
        loop {
            let seen = self.shared.index.changes();
            if let Some(item) = self.next()? {
                return Ok(Some(item));
            }
            if !self.shared.index.wait(seen, until) {
                return Ok(None);
            }
        }
    }

    /// Gives up the rest of the segment that cannot be read, as far as it is durable.
    pub fn skip_segment(&mut self) -> Option<Damage> {
        let Look::Read(position, extent) = self.shared.index.look(self.position) else { return None };
        self.position = Position { segment: position.segment, at: extent.end };
        Some(Damage { position, bytes: extent.end - position.at, what: "the disk does not give the bytes" })
    }

    fn read(&mut self, extent: Extent) -> io::Result<Option<Item>> {
        let Position { segment, at } = self.position;
        let file = match self.open.take() {
            Some((id, file)) if id == segment => file,
            _ => self.shared.disk.open(&segment.file_name())?,
        };
        let found = step(&*file, extent, at, Want::Batches(&mut self.codes))?;
        self.open = Some((segment, file));
        let position = self.position;
        Ok(match found {
            Step::End => None,
            Step::Damage { bytes, what, .. } => {
                self.position.at += bytes;
                Some(Item::Damage(Damage { position, bytes, what }))
            }
            Step::Frame(_, None) => None,
            Step::Frame(head, Some(body)) => {
                self.position.at = head.next();
                let frame = Frame {
                    position,
                    next_position: self.position,
                    first_batch: body.first,
                    body: Arc::new(body),
                };
                Some(Item::Frame(frame))
            }
        })
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("position", &self.position).finish_non_exhaustive()
    }
}
