//! What benchmarks share: how they run, what they read of processes, how they speak.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// Runs a measurement on this thread alone.
pub fn run(measurement: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measurement);
}

/// One line of what was measured.
#[allow(clippy::print_stdout, reason = "a benchmark speaks to whoever runs it")]
pub fn say(what: &str, how_much: &str) {
    println!("{what:<48} {how_much}");
}

/// User and system time of processes, from `/proc/PID/stat` (proc(5), fields 14 and 15, in hundredths of a second).
pub fn processor_time(pids: &[u32]) -> Duration {
    let ticks = |pid: &u32| -> u64 {
        let stat = read(*pid, "stat");
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let times = fields.skip(11).take(2);
        times.filter_map(|field| field.parse::<u64>().ok()).sum()
    };
    Duration::from_millis(pids.iter().map(ticks).sum::<u64>() * 10)
}

/// A size from `/proc/PID/status`, in KiB: `VmRSS:` for what is resident now, `VmHWM:` for the most that ever was.
pub fn memory(pid: u32, which: &str) -> u64 {
    let status = read(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    let kib = line.unwrap_or_default().trim().trim_end_matches(" kB");
    kib.parse().unwrap_or_default()
}

/// Nothing, once the process is gone.
fn read(pid: u32, what: &str) -> String {
    std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join(what)).unwrap_or_default()
}
