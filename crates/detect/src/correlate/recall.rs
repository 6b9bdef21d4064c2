//! The state of a key, read from a checkpoint and held against what its correlation can have.

use super::CorrelateError;
use super::measure::{Entry, Running};
use super::open::{Content, Open};
use super::plan::{HORIZON, Plan};
use super::route::Routes;
use super::sighting::Carried;
use super::wire::Reader;

pub(super) fn read_time(input: &mut Reader) -> Result<Option<i64>, CorrelateError> {
    let known = input.below(2, "a time is neither known nor unknown")? == 1;
    let time = input.signed()?;
    if time.abs_diff(0) > super::LAST_TIME as u64 {
        return Err(input.damaged("a time is out of range"));
    }
    Ok(known.then_some(time))
}

/// A tick, as counted from the zero of a shard whose base is the watermark, from its age.
fn read_tick(input: &mut Reader) -> Result<u32, CorrelateError> {
    Ok(HORIZON - input.below(u64::from(HORIZON) + 1, "a sighting is too old")? as u32)
}

pub(super) fn read_entries(
    input: &mut Reader,
    plan: Option<&Plan>,
) -> Result<(Option<u32>, Vec<Entry>), CorrelateError> {
    let fired = match input.option()? {
        Some(age) if age > u64::from(HORIZON) => return Err(input.damaged("a firing is too old")),
        age => age.map(|age| HORIZON - age as u32),
    };
    let head = input.number()?;
    let (count, valued) = (head / 2, head % 2 == 1);
    if plan.is_some_and(|p| p.kind.reads_values() != valued || count > 2 * p.most as u64 + 64) {
        return Err(input.damaged("a key holds what its correlation cannot"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let at = read_tick(input)?;
        let weight = input.below(1 << 32, "a weight is too large")? as u32;
        let value = if valued { input.word()? } else { input.number()? };
        let known = |plan: &Plan| valued || value < plan.references.max(1) as u64;
        let ordered = entries.last().is_none_or(|last| last.at <= at);
        if weight == 0 || !ordered || !plan.is_none_or(known) {
            return Err(input.damaged("a sighting is out of order or of no reference"));
        }
        entries.push(Entry { at, weight, value });
    }
    Ok((fired, entries))
}

pub(super) fn read_open(
    input: &mut Reader,
    plan: Option<&Plan>,
    routes: &Routes,
) -> Result<Open, CorrelateError> {
    let references = plan.map_or(u64::from(u16::MAX), |p| p.references as u64);
    let reference = input.below(references, "a reference is of no rule")? as u16;
    let mut carried = None;
    if input.below(2, "something is neither there nor not")? == 1 {
        let print = input.word()?;
        let step = input.below(u64::from(u32::MAX), "a step is too far")? as u32;
        let mut words = Vec::new();
        for _ in 0..input.count(16)? {
            words.push((input.word()?, input.word()?));
        }
        // Without its route, what it feeds has changed, and that state was dropped as well.
        let route = routes.printed(print).filter(|(_, steps)| *steps == words.len());
        carried = route.map(|(route, _)| Box::new(Carried { route, step, words }));
    }
    let mut open = Open { source: (reference, carried), ..Open::default() };
    if input.below(2, "something is neither there nor not")? == 1 {
        let (first, last) = (read_tick(input)?, read_tick(input)?);
        let count = input.below(1 << 62, "a count is too large")?;
        let mut words = Vec::new();
        for _ in 0..input.count(8)? {
            words.push(input.word()?);
        }
        if first > last {
            return Err(input.damaged("a window ends before it begins"));
        }
        if let Some(plan) = plan {
            let running = read_running(plan, &words);
            let running = running.ok_or_else(|| input.damaged("a window holds what it cannot"))?;
            open.window = Some(Box::new(Content { first, last, count, running }));
        }
    }
    Ok(open)
}

fn read_running(plan: &Plan, words: &[u64]) -> Option<Running> {
    let mut running = Running::new(plan);
    match (&mut running, words) {
        (Running::Distinct(values), words) if words.len() <= plan.most => {
            values.extend(words.iter().map(|word| (*word, 1)));
        }
        (Running::References(counts), words) if words.len() == counts.len() => {
            for (count, word) in counts.iter_mut().zip(words) {
                *count = u32::try_from(*word).ok()?;
            }
        }
        (Running::Chain(chain), words) if words.len() == chain.starts.len() + chain.last.len() => {
            for (begun, word) in chain.starts.iter_mut().chain(&mut chain.last).zip(words) {
                let age = word
                    .checked_sub(1)
                    .map(|age| u32::try_from(age).ok())
                    .map_or(Some(None), |a| a.map(Some))?;
                *begun = age.map_or(Some(0), |age| (HORIZON + 1).checked_sub(age))?;
            }
        }
        (Running::Sum { total, count }, [low, high, number]) => {
            *total = i128::from(*high as i64) << 64 | i128::from(*low);
            *count = *number;
        }
        (Running::Sorted(values), words) if words.len() <= plan.most => {
            let numbers = words.iter().map(|word| f64::from_bits(*word));
            values.extend(numbers);
            values.sort_unstable_by(f64::total_cmp);
        }
        _ => return None,
    }
    Some(running)
}
