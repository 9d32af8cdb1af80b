//! Literals that a value must contain for a regular expression to match: what the index files it under.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::text::fold_char;

/// More alternatives than this are not worth an index entry each.
const MAX_ALTERNATIVES: usize = 64;
/// Shorter literals are found in nearly every value.
const MIN_LEN: usize = 2;

/// Folded ASCII literals of which every match contains one; `None` where there is no such set.
pub(super) fn required(pattern: &str, flags: &str, nest: u32) -> Option<Box<[Box<[u8]>]>> {
    let mut parser = ParserBuilder::new().utf8(false).nest_limit(nest).clone();
    parser.case_insensitive(flags.contains('i')).multi_line(flags.contains('m'));
    let hir = parser.dot_matches_new_line(flags.contains('s')).build().parse(pattern).ok()?;
    let set = of(&hir)?;
    (shortest(&set) >= MIN_LEN).then(|| set.into_iter().map(Vec::into_boxed_slice).collect())
}

fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

fn of(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
        _ => concat(std::slice::from_ref(hir)),
    }
}

fn alternation(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let sets: Option<Vec<_>> = parts.iter().map(of).collect();
    let all: Vec<_> = sets?.into_iter().flatten().collect();
    (all.len() <= MAX_ALTERNATIVES).then_some(all)
}

/// The best of the runs of literals and of the parts that have sets of their own.
fn concat(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut best: Option<Vec<Vec<u8>>> = None;
    let mut offer = |set: Vec<Vec<u8>>| {
        if shortest(&set) > best.as_deref().map_or(0, shortest) {
            best = Some(set);
        }
    };
    let mut run = Vec::new();
    for part in parts {
        if !extend(&mut run, part) {
            offer(vec![std::mem::take(&mut run)]);
            if !matches!(part.kind(), HirKind::Literal(_) | HirKind::Class(_)) {
                of_part(part).into_iter().for_each(&mut offer);
            }
        }
    }
    offer(vec![run]);
    best
}

/// `of`, but never back into `concat` with the same part.
fn of_part(part: &Hir) -> Option<Vec<Vec<u8>>> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => None,
        HirKind::Repetition(repetition) if repetition.min == 0 => None,
        _ => of(part),
    }
}

/// Adds a part that is certain text to the run; false where it is not.
fn extend(run: &mut Vec<u8>, part: &Hir) -> bool {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) if literal.0.is_ascii() => {
            run.extend(literal.0.to_ascii_lowercase());
            true
        }
        HirKind::Class(class) => one_letter(class).map(|byte| run.push(byte)).is_some(),
        _ => false,
    }
}

/// The one ASCII character that all members of a class fold to: how a flag `i` shows itself.
fn one_letter(class: &Class) -> Option<u8> {
    let mut members = match class {
        Class::Unicode(class) => class.iter().flat_map(|r| r.start()..=r.end()).take(9).collect::<Vec<_>>(),
        Class::Bytes(class) => {
            class.iter().flat_map(|r| r.start()..=r.end()).take(9).map(char::from).collect::<Vec<_>>()
        }
    };
    if members.len() > 8 || matches!(class, Class::Bytes(_)) && !members.iter().all(char::is_ascii) {
        return None;
    }
    members.iter_mut().for_each(|c| *c = fold_char(*c));
    members.dedup();
    match members.as_slice() {
        [one] => u8::try_from(*one).ok().filter(u8::is_ascii),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pattern: &str, flags: &str) -> Vec<String> {
        let found = required(pattern, flags, 64);
        found.iter().flatten().map(|literal| String::from_utf8(literal.to_vec()).unwrap()).collect()
    }

    #[test]
    fn literals_every_match_contains() {
        assert_eq!(set(r"/[a-z]+/gate\.php\?id=\d+", ""), ["/gate.php?id="]);
        assert_eq!(set("PowerShell", "i"), ["powershell"]);
        assert_eq!(set("(foo|bar)+x", ""), ["foo", "bar"]);
        assert_eq!(set("(?i:SELECT).{1,20}from", ""), ["select"]);
        assert_eq!(set(r"\bwget\b|\bcurl\b", ""), ["wget", "curl"]);
        assert_eq!(set("(abc)?d*", ""), Vec::<String>::new());
        assert_eq!(set("[a-z]{20}", ""), Vec::<String>::new());
        assert_eq!(set("a|.*", ""), Vec::<String>::new());
    }
}
