//! Running cargo and what it built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace::{root, target_directory};
use crate::{TaskError, assets};

/// The cargo that runs this tool, at the root of the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// A program, to be run at the root of the repository.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Shows the command, runs it with its output on the terminal and says whether it succeeded.
pub fn shown(command: &mut Command) -> Result<bool, TaskError> {
    println!("$ {}", line(command));
    let status = command.status().map_err(|source| unstarted(command, source))?;
    Ok(status.success())
}

/// Runs the command and gives what it wrote to standard output; its errors stay on the terminal.
pub fn output(command: &mut Command) -> Result<String, TaskError> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|source| unstarted(command, source))?;
    if !output.status.success() {
        return Err(TaskError::Failed(line(command)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program answers to `arguments` at all.
pub fn answers(name: &str, arguments: &[&str]) -> bool {
    let mut command = program(name);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// An error of a command that did not start.
pub fn unstarted(command: &Command, source: std::io::Error) -> TaskError {
    TaskError::Program { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// Builds the quick `ward` that the tests use, with what all of the workspace asks of its dependencies, so that
/// nothing is built twice. Gives its place.
pub fn build_ward() -> Result<PathBuf, TaskError> {
    assets::lay_out()?;
    if !shown(&mut cargo(&["build", "--workspace", "--bin", "ward"]))? {
        return Err(TaskError::Failed("building ward".into()));
    }
    Ok(target_directory()?.join("debug/ward"))
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let mut line = name.into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
