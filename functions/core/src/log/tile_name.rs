//! Names of tiles and bundles as they stand in paths.

use thiserror::Error;

use super::{
    decimal::MAX_SIZE,
    row::Row,
    tile::{FULL, Tile, WIDTH},
};

/// The highest level of a name. Trees have no tiles over level 7, but the names exist.
const MAX_LEVEL: u8 = 63;

/// The text is not the name of a tile or a bundle in its one form.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a tile's name: <level>/<number>[.p/<width>] or entries/<number>[.p/<width>]")]
pub struct BadTileName;

impl Tile {
    /// The path below the log's prefix: `tile/<level>/<number>` or `tile/entries/<number>`, with `.p/<width>` for a
    /// partial tile. Contract: c2sp.org/tlog-tiles.
    pub fn path(&self) -> String {
        let mut number = format!("{:03}", self.index() % 1_000);
        let mut rest = self.index() / 1_000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1_000);
            rest /= 1_000;
        }
        let partial = if self.is_partial() { format!(".p/{}", self.width()) } else { String::new() };
        match self.row() {
            Row::Entries => format!("tile/entries/{number}{partial}"),
            Row::Level(level) => format!("tile/{level}/{number}{partial}"),
        }
    }

    /// Reads what follows `tile/` in a path. Only the form that [`path`](Self::path) writes is accepted.
    pub fn parse(name: &str) -> Result<Self, BadTileName> {
        let parsed = Self::parse_loosely(name).ok_or(BadTileName)?;
        if parsed.path().strip_prefix("tile/") == Some(name) { Ok(parsed) } else { Err(BadTileName) }
    }

    fn parse_loosely(name: &str) -> Option<Self> {
        let (row, rest) = name.split_once('/')?;
        let row = match row {
            "entries" => Row::Entries,
            level => Row::Level(level.parse().ok().filter(|level| *level <= MAX_LEVEL)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse::<u8>().ok().filter(|width| *width > 0)?.into()),
            None => (rest, FULL),
        };
        let mut digits = number.split('/').map(|part| part.strip_prefix('x').unwrap_or(part).parse::<u16>().ok());
        let index = digits.try_fold(0u64, |index, part| index.checked_mul(1_000)?.checked_add(part?.into()))?;
        (index <= MAX_SIZE / WIDTH).then(|| Self::new(row, index, width))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for (row, index, width, path) in [
            (Row::Level(0), 0, 256, "tile/0/000"),
            (Row::Level(63), 999, 255, "tile/63/999.p/255"),
            (Row::Level(2), 1_234_067, 256, "tile/2/x001/x234/067"),
            (Row::Entries, 1_000, 1, "tile/entries/x001/000.p/1"),
            (Row::Level(0), MAX_SIZE / WIDTH, 256, "tile/0/x036/x028/x797/x018/x963/967"),
        ] {
            let tile = Tile::new(row, index, width);
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(&path["tile/".len()..]), Ok(tile));
        }
    }

    #[test]
    fn other_forms_of_a_name_are_errors() {
        let bad = [
            "",
            "/",
            "0",
            "0/",
            "/000",
            "00/000",
            "64/000",
            "256/000",
            "-1/000",
            "+1/000",
            "data/000",
            "Entries/000",
            "0/0",
            "0/00",
            "0/0000",
            "0/x000",
            "0/x000/000",
            "0/001/000",
            "0/x001/x000",
            "0/x1/000",
            "0/x001/0",
            "0/xx01/000",
            "0/1000",
            "0/+01",
            "0/000.p",
            "0/000.p/",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/1/",
            "0/000.p/1\r",
            "0/000/",
            "0//000",
            "0/000.p/1.p/1",
            "tile/0/000",
            "0/x036/x028/x797/x018/x963/968",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
            "0/０００",
            "0/000\n",
            " 0/000",
            "0/000.P/1",
            "entries",
            "entries/x/000",
        ];
        for name in bad {
            assert_eq!(Tile::parse(name), Err(BadTileName), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_an_error(name in "([0-5]?[0-9]|entries)/(x[0-9]{3}/){0,3}[0-9]{2,4}(\\.p/0?[1-9][0-9]{0,2})?") {
            if let Ok(tile) = Tile::parse(&name) {
                prop_assert_eq!(tile.path(), format!("tile/{name}"));
            }
            // Theirs panics at a width of 0 and at a level over 63.
            let theirs = tlog_tiles::Tile::from_path(&format!("tile/8/{}", name.replace("entries", "data")));
            prop_assert_eq!(Tile::parse(&name).is_ok(), theirs.is_ok());
        }
    }
}
