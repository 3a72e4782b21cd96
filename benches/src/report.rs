//! How results are told: a measured number, its bar, and whether it is met.

/// Bars of one program; the program fails when one is not met.
#[derive(Debug, Default)]
pub struct Bars {
    missed: usize,
}

impl Bars {
    /// Starts without a bar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints one bar that a number must not exceed.
    pub fn at_most(&mut self, what: &str, measured: f64, limit: f64, unit: &str) {
        self.tell(what, measured, "<=", limit, unit, measured <= limit);
    }

    /// Prints one bar that a number must reach.
    pub fn at_least(&mut self, what: &str, measured: f64, limit: f64, unit: &str) {
        self.tell(what, measured, ">=", limit, unit, measured >= limit);
    }

    /// Gives the process's exit code: 1 when a bar was missed.
    #[must_use]
    pub fn exit_code(self) -> std::process::ExitCode {
        match self.missed {
            0 => std::process::ExitCode::SUCCESS,
            _ => std::process::ExitCode::FAILURE,
        }
    }

    fn tell(&mut self, what: &str, measured: f64, sign: &str, limit: f64, unit: &str, is_met: bool) {
        let verdict = if is_met { "met" } else { "NOT MET" };
        self.missed += usize::from(!is_met);
        println!("{what:<58} {measured:>9.2} {unit:<9} {sign} {limit:<8} {verdict}");
    }
}

/// Reads `--name value` from the command line.
pub fn option(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().and_then(|value| value.parse().ok()).unwrap_or(default)
}
