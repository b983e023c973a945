use hdrhistogram::Histogram;
use std::{error::Error, time::Duration};

/// How long each of two took, the one that is measured and the one beside it.
pub(super) struct Times([Histogram<u64>; 2]);

impl Times {
    pub(super) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self([Histogram::new(3)?, Histogram::new(3)?]))
    }

    /// Counts one, of the server (0) or of what stands beside it (1).
    pub(super) fn record(&mut self, which: usize, took: Duration) -> Result<(), Box<dyn Error>> {
        Ok(self.0[which].record(u64::try_from(took.as_nanos())?)?)
    }

    /// Prints both, and how many times as long the server took.
    pub(super) fn print(&self, beside: &str) {
        self.print_both("foregather", beside);
    }

    /// The same of two that are called so.
    pub(super) fn print_both(&self, measured: &str, beside: &str) {
        println!("{:<12} {:>10} {:>10} {:>10}", "", "median", "p90", "p99");
        for (name, times) in [measured, beside].iter().zip(&self.0) {
            let at = |quantile| format!("{:.1} us", times.value_at_quantile(quantile) as f64 / 1_000.0);
            println!("{name:<12} {:>10} {:>10} {:>10}", at(0.5), at(0.9), at(0.99));
        }
        let ratio =
            |quantile| self.0[0].value_at_quantile(quantile) as f64 / self.0[1].value_at_quantile(quantile) as f64;
        println!("{:<12} {:>10.2} {:>10.2} {:>10.2}", "ratio", ratio(0.5), ratio(0.9), ratio(0.99));
    }
}
