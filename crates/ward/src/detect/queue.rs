//! The inputs as one stream of work: blocks of records, in the order of the inputs.
//!
//! Invariant: one input is open at a time, and its blocks come in order.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use ward_core::Timestamp;
use ward_telemetry::Error as InputError;
use ward_telemetry::input::{Block, Format, Input, Options, Source};

use super::inputs::Named;

/// Something to do.
#[derive(Debug)]
pub struct Work {
    /// Number of the input.
    pub source: u32,
    /// What it is.
    pub task: Task,
}

/// What there is to do.
#[derive(Debug)]
pub enum Task {
    /// A block to decode. `received`: when the input was written, where its times need that to be known.
    Block {
        /// The block.
        block: Block,
        /// See [`Options::received`].
        received: Option<Timestamp>,
        /// Its records have numbers of their own.
        is_evtx: bool,
    },
    /// The input, or the rest of it, cannot be read.
    Broken(String),
    /// The input is in a folder and no telemetry.
    Unrecognised,
}

/// Hands out work.
pub struct Queue<'a> {
    inputs: &'a [Named],
    options: Options,
    next: usize,
    open: Option<Open>,
    /// Memory of blocks that are done.
    spare: Vec<Vec<u8>>,
    /// Bytes read of the inputs before the open one.
    read: u64,
    opened: u64,
}

struct Open {
    source: u32,
    input: Input,
    received: Option<Timestamp>,
    taken: Arc<AtomicU64>,
}

impl Open {
    fn task(&self, block: Block) -> Task {
        Task::Block { block, received: self.received, is_evtx: self.input.format() == Format::Evtx }
    }
}

/// Most blocks whose memory is kept for new ones.
const SPARE: usize = 16;

impl<'a> Queue<'a> {
    /// The work that these inputs are.
    pub fn new(inputs: &'a [Named], options: Options) -> Self {
        Self { inputs, options, next: 0, open: None, spare: Vec::new(), read: 0, opened: 0 }
    }

    /// The next piece of work. `None`: all is done.
    pub fn next(&mut self) -> Option<Work> {
        loop {
            let Some(open) = &mut self.open else {
                let source = self.next;
                let named = self.inputs.get(source)?;
                self.next += 1;
                match self.open(source as u32, named) {
                    Ok(open) => self.open = Some(open),
                    Err(task) => return Some(Work { source: source as u32, task: *task }),
                }
                continue;
            };
            let source = open.source;
            match open.input.next_block(self.spare.pop().unwrap_or_default()) {
                Ok(Some(block)) => {
                    return Some(Work { source, task: open.task(block) });
                }
                Ok(None) => self.close(),
                Err(error) => {
                    self.close();
                    return Some(Work { source, task: Task::Broken(super::problems::chain(&error)) });
                }
            }
        }
    }

    /// Takes the memory of a block that is done.
    pub fn reuse(&mut self, memory: Vec<u8>) {
        if self.spare.len() < SPARE {
            self.spare.push(memory);
        }
    }

    /// Bytes of the inputs read so far, as they are on disk.
    pub fn read(&self) -> u64 {
        self.read + self.open.as_ref().map_or(0, |open| open.taken.load(Ordering::Relaxed))
    }

    /// Inputs that were opened and recognised.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    fn open(&mut self, source: u32, named: &Named) -> Result<Open, Box<Task>> {
        let broken = |error: &dyn std::error::Error| Box::new(Task::Broken(super::problems::chain(error)));
        let (reader, written, live): (Source, _, _) = match &named.path {
            None => (Box::new(io::stdin()), None, true),
            Some(path) => {
                let file = File::open(path).map_err(|error| broken(&error))?;
                let data = file.metadata().ok();
                let live = data.as_ref().is_some_and(|data| !data.is_file());
                (Box::new(file), data.and_then(|data| data.modified().ok()), live)
            }
        };
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let written = written.and_then(|since| i64::try_from(since.as_micros()).ok());
        let received = written.map(Timestamp::from_micros).or(self.options.received);
        let options = Options { live, received, ..self.options.clone() };
        let input = match Input::open(reader, &options) {
            Ok(input) => input,
            Err(InputError::UnknownContent { .. }) if !named.by_name => {
                return Err(Box::new(Task::Unrecognised));
            }
            Err(error) => return Err(broken(&error)),
        };
        self.opened += 1;
        let dated = matches!(input.format(), Format::Syslog | Format::SyslogFrames | Format::Lines);
        let taken = input.taken();
        Ok(Open { source, input, received: received.filter(|_| dated), taken })
    }

    fn close(&mut self) {
        self.read = self.read();
        self.open = None;
    }
}
