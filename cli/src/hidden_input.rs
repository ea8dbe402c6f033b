//! Reads a secret from standard input. On a terminal, what is typed or pasted is not shown.

use std::io::{self, IsTerminal};

use crate::{CliError, output::note, stdin};

/// Reads standard input: to its end or, on a terminal, one line without an echo.
pub(crate) async fn read() -> Result<String, CliError> {
    if !io::stdin().is_terminal() {
        return stdin::read().await;
    }
    let reading = tokio::task::spawn_blocking(|| {
        note("Paste the token; it is not shown. Then press Enter.");
        let _hidden = echo::Off::set()?;
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = reading.await.map_err(|_| CliError::Unexpected("the reading thread ended"))?;
    line.map_err(|error| CliError::BadIdentifier(format!("standard input: {error}")))
}

#[cfg(unix)]
mod echo {
    use std::io::{self, stdin};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal does not show what is typed, until this is dropped.
    pub(super) struct Off(Termios);

    impl Off {
        pub(super) fn set() -> io::Result<Self> {
            let before = tcgetattr(stdin())?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &quiet)?;
            Ok(Self(before))
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            // If it fails, there is nobody to tell: `stty sane` helps.
            _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(not(unix))]
mod echo {
    use std::io;

    /// There is no way to hide input here, so nothing is read from a terminal.
    pub(super) struct Off;

    impl Off {
        pub(super) fn set() -> io::Result<Self> {
            Err(io::Error::other("give the token in a file or through a pipe"))
        }
    }
}
