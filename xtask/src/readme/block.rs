//! The commands that a Markdown text shows.

use std::ops::Range;

use crate::TaskError;

/// A command as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCommand {
    /// Its line, from 1.
    pub line: usize,
    /// What a reader types.
    pub text: String,
    /// How it is run by the check.
    pub how: How,
    /// The lines (from 0) of the output shown beneath it; an empty range where there is none yet.
    /// `None` in a block that shows no outputs.
    pub output: Option<Range<usize>>,
}

/// How the check runs a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// As it stands, but for words that stand for a path.
    Run(Vec<(String, String)>),
    /// `.ci/run` runs it.
    ByCi,
    /// Not at all, for this reason.
    NotRun(String),
}

/// The commands in the `sh` and `console` blocks of a text, in their order.
///
/// # Errors
/// A comment before a block cannot be understood, or a block is not closed.
pub fn commands(text: &str) -> Result<Vec<ShownCommand>, TaskError> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let Some(language) = line.strip_prefix("```") else {
            at += 1;
            continue;
        };
        let length = lines[at + 1..].iter().position(|line| *line == "```");
        let end = at + 1 + length.ok_or_else(|| misread(at, "the block is not closed"))?;
        let before = lines[..at].iter().rev().find(|line| !line.is_empty());
        let how = how(before.copied().unwrap_or_default()).map_err(|reason| misread(at, &reason))?;
        match language {
            "sh" => found.extend(typed(&lines, at + 1..end, &how)),
            "console" => found.extend(with_output(&lines, at + 1..end, &how)),
            _ => {}
        }
        at = end + 1;
    }
    Ok(found)
}

fn how(comment: &str) -> Result<How, String> {
    let Some(rest) = comment.strip_prefix("<!-- commands: ") else { return Ok(How::Run(Vec::new())) };
    let rest = rest.strip_suffix(" -->").ok_or("the comment is not closed")?;
    if rest == "by .ci/run" {
        return Ok(How::ByCi);
    }
    if let Some(reason) = rest.strip_prefix("not run, ") {
        return Ok(How::NotRun(reason.to_owned()));
    }
    let words = rest.strip_prefix("with ").ok_or(format!("'{rest}' is not understood"))?;
    let pair = |word: &str| {
        let (name, path) = word.split_once('=').ok_or(format!("'{word}' is not NAME=path"))?;
        Ok((name.to_owned(), path.to_owned()))
    };
    words.split_whitespace().map(pair).collect::<Result<_, String>>().map(How::Run)
}

fn typed(lines: &[&str], block: Range<usize>, how: &How) -> Vec<ShownCommand> {
    let wanted = block.filter(|at| !lines[*at].is_empty() && !lines[*at].starts_with('#'));
    let command = |at: usize| {
        let text = lines[at].split(" #").next().unwrap_or_default().trim_end().to_owned();
        ShownCommand { line: at + 1, text, how: how.clone(), output: None }
    };
    wanted.map(command).collect()
}

fn with_output(lines: &[&str], block: Range<usize>, how: &How) -> Vec<ShownCommand> {
    let end = block.end;
    let starts: Vec<usize> = block.filter(|at| lines[*at].starts_with("$ ")).collect();
    let ends = starts.iter().copied().skip(1).chain([end]);
    let command = |(start, end): (&usize, usize)| ShownCommand {
        line: start + 1,
        text: lines[*start].trim_start_matches("$ ").to_owned(),
        how: how.clone(),
        output: Some(start + 1..end),
    };
    starts.iter().zip(ends).map(command).collect()
}

fn misread(line: usize, reason: &str) -> TaskError {
    TaskError::Unexpected { what: format!("the block in line {}", line + 1), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Ward
```sh
cargo xtask demo      # builds and shows
```
<!-- commands: with SIGMA=target/corpus/detection/sigma -->
```console
$ ward detect --rules SIGMA x
one
two
$ ward --version
```
<!-- commands: not run, it needs the network -->
```sh
# a comment
git clone https://github.com/SigmaHQ/sigma
```
```toml
not = \"a command\"
```";

    #[test]
    fn commands_come_with_their_line_their_output_and_how_they_run() {
        let sigma = ("SIGMA".to_owned(), "target/corpus/detection/sigma".to_owned());
        let found = commands(TEXT).unwrap();
        let seen: Vec<_> = found.iter().map(|c| (c.line, c.text.as_str(), c.output.clone())).collect();
        assert_eq!(
            seen,
            [
                (3, "cargo xtask demo", None),
                (7, "ward detect --rules SIGMA x", Some(7..9)),
                (10, "ward --version", Some(10..10)),
                (15, "git clone https://github.com/SigmaHQ/sigma", None),
            ]
        );
        assert_eq!(found[0].how, How::Run(vec![]));
        assert_eq!(found[1].how, How::Run(vec![sigma]));
        assert_eq!(found[3].how, How::NotRun("it needs the network".into()));
    }

    #[test]
    fn a_comment_that_is_not_understood_is_an_error_with_its_line() {
        let error = commands("<!-- commands: perhaps -->\n```sh\nx\n```").unwrap_err();
        assert_eq!(
            error.to_string(),
            "could not understand the block in line 2: 'perhaps' is not understood"
        );
        assert!(commands("```sh\nx").unwrap_err().to_string().contains("not closed"));
    }
}
