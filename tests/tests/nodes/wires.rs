//! A network of this test's own between two nodes and the log's server, whose packets can be lost in one direction or both.
//!
//! Three network namespaces stand in a row: the nodes', a wire that forwards, and the log's. Each node has an address of its
//! own there and reaches the log at an address of its own, so that the wire tells them apart. A blackhole route on the wire
//! loses packets and tells nobody, as a broken switch would.
//!
//! The namespaces have no names: they live as long as a process in them, and leave nothing behind.

use super::process::Process;
use std::io;
use std::process::{Child, Command, Stdio};

/// The log's port, at each of its addresses.
const PORT: u16 = 2113;

/// What the wire loses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Everything between a node and the log.
    Both,
    /// Everything that the log sends: requests arrive and are carried out, answers are lost.
    Answers,
}

/// The network, with the log's server at its end.
pub struct Wires {
    wire: Child,
    log: Process,
}

/// Whether this process may make namespaces; else why not. Networks are made by whoever is root, here or in a namespace of
/// users.
pub fn apart() -> Result<Vec<&'static str>, String> {
    let ways = [vec!["--net"], vec!["--user", "--map-root-user", "--net"]];
    let mut refused = Vec::new();
    for way in ways {
        // Nothing is left out: a veth pair, another namespace, and forwarding in it.
        let script = "ip link add t0 type veth peer name t1 && echo 1 >/proc/sys/net/ipv4/ip_forward && \
                      ip route add blackhole 192.0.2.1/32 && unshare --net true && command -v nsenter";
        match Command::new("unshare").args(&way).args(["sh", "-c", script]).output() {
            Ok(tried) if tried.status.success() => return Ok(way),
            Ok(tried) => refused.push(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
            Err(error) => refused.push(error.to_string()),
        }
    }
    Err(refused.join("; "))
}

impl Wires {
    /// Builds it. This process has to be in a namespace of its own, and root there.
    pub fn new() -> Self {
        let log = Process::log_apart(([0, 0, 0, 0], PORT).into());
        let wire = Command::new("unshare").args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let wires = Self { wire: wire.unwrap(), log };
        let (wire, log) = (wires.wire.id(), wires.log.id());
        until_apart(wire).unwrap();
        here("ip link set lo up");
        here(&format!("ip link add o0 type veth peer name w0 netns {wire}"));
        for node in [1, 2] {
            here(&format!("ip address add 10.99.0.{node}/24 dev o0"));
        }
        here("ip link set o0 up");
        on(wire, "echo 1 >/proc/sys/net/ipv4/ip_forward");
        on(wire, "ip address add 10.99.0.254/24 dev w0 && ip link set w0 up");
        on(wire, &format!("ip link add w1 type veth peer name l0 netns {log}"));
        on(wire, "ip address add 10.99.1.254/24 dev w1 && ip link set w1 up");
        for node in [1, 2] {
            on(log, &format!("ip address add 10.99.1.{node}/24 dev l0"));
        }
        on(log, "ip link set lo up && ip link set l0 up && ip route add default via 10.99.1.254");
        for node in [1, 2] {
            here(&format!("ip route add 10.99.1.{node}/32 via 10.99.0.254 src 10.99.0.{node}"));
        }
        wires
    }

    /// The log's address for this node.
    pub fn log_for(node: usize) -> String {
        format!("esdb://10.99.1.{}:{PORT}?tls=false&discoveryInterval=10", node + 1)
    }

    /// Begins to lose packets between this node and the log.
    pub fn cuts(&self, node: usize, cut: Cut) {
        on(self.wire.id(), &routes("add", node, cut));
    }

    /// Loses nothing any more.
    pub fn heals(&self, node: usize, cut: Cut) {
        on(self.wire.id(), &routes("del", node, cut));
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        let _ = self.wire.kill();
        let _ = self.wire.wait();
    }
}

fn routes(what: &str, node: usize, cut: Cut) -> String {
    let answers = format!("ip route {what} blackhole 10.99.0.{}/32", node + 1);
    match cut {
        Cut::Answers => answers,
        Cut::Both => format!("ip route {what} blackhole 10.99.1.{}/32 && {answers}", node + 1),
    }
}

/// Runs a command here.
fn here(script: &str) {
    ran(Command::new("sh").args(["-c", script]), script);
}

/// Runs a command in the namespace of a process.
fn on(process: u32, script: &str) {
    ran(Command::new("nsenter").args(["--net", "--target", &process.to_string(), "sh", "-c", script]), script);
}

fn ran(command: &mut Command, script: &str) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Waits until a process that was just started has left our namespace.
fn until_apart(process: u32) -> io::Result<()> {
    let ours = std::fs::read_link("/proc/self/ns/net")?;
    while std::fs::read_link(format!("/proc/{process}/ns/net"))? == ours {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}
