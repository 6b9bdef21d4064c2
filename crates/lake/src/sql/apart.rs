//! A statement in a process of its own, so that what it allocates or computes past its limits ends that process and
//! nothing else: functions such as `repeat` allocate outside the engine's limit, and planning cannot be stopped.
//!
//! Invariant: the process knows the files of the scope and the statement, and nothing else: it has no credential
//! and no environment.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use ward_core::Scope;

use super::wire::{Asked, Failure, Kind, put};
use super::{Pieces, SqlAnswer, Statement, called_off};
use crate::search::{Running, visible};
use crate::{ExportFormat, Lake, LakeError, LakeFile, Limits};

/// How the process of a statement is started. It hears and answers as [`SqlProcess`] does.
#[derive(Debug, Clone)]
pub struct SqlProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Lake {
    /// Runs a statement like [`Lake::sql`], in a process of its own. To be called within a runtime of tokio.
    pub fn sql_apart(
        &self,
        program: &SqlProgram,
        scope: &Scope,
        files: &[LakeFile],
        sql: &str,
        format: ExportFormat,
        limits: Limits,
    ) -> SqlAnswer {
        let (sender, pieces) = mpsc::channel(8);
        let cancel = limits.cancel.clone();
        let files = visible(scope, files).cloned().collect();
        let asked = Asked { root: self.root().to_owned(), sql: sql.to_owned(), format, limits, files };
        let program = program.clone();
        tokio::spawn(async move {
            let answered = tokio::select! {
                answered = answer(&program, &asked, &sender) => answered,
                () = sender.closed() => return,
                () = called_off(&asked.limits) => Err(LakeError::Cancelled),
                () = tokio::time::sleep(asked.limits.time + GRACE) => {
                    Err(LakeError::OutOfTime(asked.limits.time))
                }
            };
            if let Err(error) = answered {
                let _ = sender.send(Err(error)).await; // nobody may be listening
            }
        });
        SqlAnswer { pieces, cancel }
    }
}

/// The process ends when this is no longer awaited.
async fn answer(program: &SqlProgram, asked: &Asked, pieces: &Pieces) -> Result<(), LakeError> {
    let failed = |source| LakeError::file("start", program.program.display().to_string(), source);
    let mut child = Command::new(&program.program)
        .args(&program.arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(io::ErrorKind::BrokenPipe.into()));
    };
    // A process that is gone says so when its answer is read.
    let _ = input.write_all(&asked.written().map_err(failed)?).await;
    loop {
        match piece(&mut output).await {
            Ok((Kind::Bytes, bytes)) => pieces.send(Ok(bytes)).await.map_err(|_| LakeError::Cancelled)?,
            Ok((Kind::End, _)) => break,
            Ok((Kind::Failure, told)) => {
                let failure: Failure =
                    serde_json::from_slice(&told).map_err(io::Error::from).map_err(failed)?;
                return Err(failure.told(&asked.limits));
            }
            Err(_) => return Err(ended(&mut child, &asked.limits).await),
        }
    }
    // It ends by itself now that nobody asks it any more.
    drop(input);
    child.wait().await.map_err(failed)?;
    Ok(())
}

async fn piece(output: &mut ChildStdout) -> io::Result<(Kind, Vec<u8>)> {
    let kind = Kind::of(output.read_u8().await?).ok_or(io::ErrorKind::InvalidData)?;
    let length = output.read_u32().await? as usize;
    let mut bytes = Vec::new();
    output.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((kind, bytes))
}

/// Why a process broke off: what the system ended took more than it may.
async fn ended(child: &mut Child, limits: &Limits) -> LakeError {
    let status = child.wait().await;
    match status {
        Ok(status) if status.code().is_none() => LakeError::OutOfMemory(limits.memory),
        Ok(status) => LakeError::Failed(format!("the engine ended early: {status}")),
        Err(error) => LakeError::Failed(format!("the engine ended early: {error}")),
    }
}

/// What the process has beside its time: it starts, and says itself when its time is up.
const GRACE: Duration = Duration::from_secs(2);

/// The process of a statement.
#[derive(Debug)]
pub struct SqlProcess(Asked);

impl SqlProcess {
    /// Hears what it is to do.
    ///
    /// # Errors
    /// That is not what is told to it.
    pub fn hear(input: &mut impl Read) -> io::Result<Self> {
        Asked::read(input).map(Self)
    }

    /// Within what it must stay.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Runs the statement and answers.
    ///
    /// # Errors
    /// Nobody hears the answer.
    pub fn answer(self, output: &mut impl Write) -> io::Result<()> {
        let Asked { root, sql, format, limits, files } = self.0;
        let statement =
            Statement { lake: Lake::new(root), files, sql, format, running: Running::new(limits) };
        let end = match statement.begin() {
            Ok(mut answer) => loop {
                match answer.blocking_next() {
                    Some(Ok(bytes)) => {
                        put(output, Kind::Bytes, &bytes)?;
                        output.flush()?;
                    }
                    Some(Err(error)) => break Err(error),
                    None => break Ok(()),
                }
            },
            Err(error) => Err(error),
        };
        match end {
            Ok(()) => put(output, Kind::End, &[])?,
            Err(error) => put(output, Kind::Failure, &serde_json::to_vec(&Failure::of(error))?)?,
        }
        output.flush()
    }
}
