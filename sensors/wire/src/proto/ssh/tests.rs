use super::*;
use crate::proto::testing::{Recorder, Seen};

/// Lists of a KEXINIT: key exchange, host keys, ciphers and MACs and compression each way, languages.
fn kexinit(lists: [&str; 10]) -> Vec<u8> {
    let mut body = vec![KEXINIT];
    body.extend([7; 16]);
    for list in lists {
        body.extend((list.len() as u32).to_be_bytes());
        body.extend(list.as_bytes());
    }
    body.extend([0; 5]);
    packet(&body)
}

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let mut out = ((payload.len() + padding + 1) as u32).to_be_bytes().to_vec();
    out.push(padding as u8);
    out.extend(payload);
    out.extend(std::iter::repeat_n(0, padding));
    out
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u32).to_be_bytes()[..], part].concat()).collect()
}

const KEX_CLIENT: &str =
    "curve25519-sha256,diffie-hellman-group-exchange-sha256,ext-info-c,kex-strict-c-v00@openssh.com";
const KEX_SERVER: &str =
    "curve25519-sha256,diffie-hellman-group-exchange-sha256,kex-strict-s-v00@openssh.com";

fn client(kex: &str) -> Vec<u8> {
    let lists = [
        kex,
        "ssh-ed25519,rsa-sha2-512",
        "aes128-ctr,aes256-gcm@openssh.com",
        "aes256-gcm@openssh.com,aes128-ctr",
        "hmac-sha1,hmac-sha2-256",
        "hmac-sha2-256",
        "none,zlib",
        "none",
        "",
        "",
    ];
    [b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec(), kexinit(lists), packet(&[30, 0, 0, 0, 1, 9])].concat()
}

fn server(kex: &str, reply: u8) -> Vec<u8> {
    let lists = [
        kex,
        "rsa-sha2-512,ssh-ed25519",
        "aes256-gcm@openssh.com,aes128-ctr",
        "aes256-gcm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    let key = strings(&[b"ssh-ed25519", &[5; 32]]);
    let answer = [&[reply][..], &strings(&[&key, b"f", b"signature"])].concat();
    [b"SSH-1.99-dropbear_2022.83\r\n".to_vec(), kexinit(lists), packet(&answer), packet(&[NEWKEYS])].concat()
}

fn run(steps: &[(Direction, &[u8])], one_way: bool) -> Recorder {
    let mut recorder = Recorder::new(FIELDS);
    recorder.one_way = one_way;
    let mut ssh = Ssh::default();
    for (direction, data) in steps {
        if recorder.with(1, |cx| ssh.data(*direction, data, cx)) == Next::Done {
            break;
        }
    }
    recorder.with(1, |cx| ssh.close(Close::End, cx));
    recorder
}

fn only(recorder: &Recorder) -> &Seen {
    let events = recorder.events();
    assert_eq!(events.len(), 1);
    events[0]
}

use Direction::{ToClient, ToServer};

#[test]
fn a_whole_exchange_is_one_event() {
    let run = run(&[(ToServer, &client(KEX_CLIENT)), (ToClient, &server(KEX_SERVER, 31))], false);
    let event = only(&run);
    for (name, value) in [
        ("bavn.ssh.client.banner", "SSH-2.0-OpenSSH_9.2p1 Debian-2"),
        ("bavn.ssh.client.software", "OpenSSH_9.2p1"),
        ("bavn.ssh.client.protocol", "2.0"),
        ("bavn.ssh.server.software", "dropbear_2022.83"),
        ("bavn.ssh.server.protocol", "1.99"),
        ("bavn.ssh.version", "2"),
        ("bavn.ssh.kex", "curve25519-sha256"),
        ("bavn.ssh.host_key.algorithm", "ssh-ed25519"),
        ("bavn.ssh.host_key.type", "ssh-ed25519"),
        ("bavn.ssh.cipher.client", "aes128-ctr"),
        ("bavn.ssh.cipher.server", "aes256-gcm@openssh.com"),
        ("bavn.ssh.mac.client", "hmac-sha2-256"),
        ("bavn.ssh.mac.server", "implicit"),
        ("bavn.ssh.compression.client", "none"),
        ("bavn.ssh.strict_kex", "true"),
        ("bavn.ssh.client.host_key_algorithms", "ssh-ed25519|rsa-sha2-512"),
    ] {
        assert_eq!(event.get(name), value, "{name}");
    }
    // ssh-keygen -lf of that key: 32 bytes of 5.
    assert_eq!(event.get("bavn.ssh.host_key.fingerprint").len(), 50);
    assert!(
        event.get("bavn.ssh.server.hassh_algorithms").ends_with(";aes256-gcm@openssh.com;hmac-sha2-256;none")
    );
}

/// `CyberDuck Version 6.7.1 (28683)`, `OpenSSH_7.2p2 Ubuntu` and `libssh2_1.7.0` as github.com/salesforce/hassh publishes them.
#[test]
fn published_hassh_vectors() {
    for (text, hash) in [
        (
            "curve25519-sha256@libssh.org,diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,diffie-hellman-group15-sha512,diffie-hellman-group16-sha512,diffie-hellman-group17-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256@ssh.com,diffie-hellman-group15-sha256,diffie-hellman-group15-sha256@ssh.com,diffie-hellman-group15-sha384@ssh.com,diffie-hellman-group16-sha256,diffie-hellman-group16-sha384@ssh.com,diffie-hellman-group16-sha512@ssh.com,diffie-hellman-group18-sha512@ssh.com;aes128-cbc,aes128-ctr,aes192-cbc,aes192-ctr,aes256-cbc,aes256-ctr,blowfish-cbc,blowfish-ctr,cast128-cbc,cast128-ctr,idea-cbc,idea-ctr,serpent128-cbc,serpent128-ctr,serpent192-cbc,serpent192-ctr,serpent256-cbc,serpent256-ctr,3des-cbc,3des-ctr,twofish128-cbc,twofish128-ctr,twofish192-cbc,twofish192-ctr,twofish256-cbc,twofish256-ctr,twofish-cbc,arcfour,arcfour128,arcfour256;hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-sha2-256,hmac-sha2-512;zlib@openssh.com,zlib,none",
            "8a8ae540028bf433cd68356c1b9e8d5b",
        ),
        (
            "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1;chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com;umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1;none,zlib@openssh.com",
            "d43d91bc39d5aaed819ad9f6b57b7348",
        ),
        (
            "diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1;aes128-ctr,aes192-ctr,aes256-ctr,aes256-cbc,rijndael-cbc@lysator.liu.se,aes192-cbc,aes128-cbc,blowfish-cbc,arcfour128,arcfour,cast128-cbc,3des-cbc;hmac-sha2-256,hmac-sha2-512,hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-ripemd160,hmac-ripemd160@openssh.com;none",
            "a7a87fbe86774c2e40cc4a7ea2ab1b3c",
        ),
    ] {
        let lists: Vec<&str> = text.split(';').collect();
        let [kex, cipher, mac, compression] = lists[..] else { panic!("four lists") };
        for own in [ToServer, ToClient] {
            // The other direction's lists are other ones, so that a mix-up shows.
            let mut all = [kex, "ssh-rsa", "a", "a", "b", "b", "c", "c", "", ""];
            for (at, list) in [(2, cipher), (4, mac), (6, compression)] {
                all[at + own.index()] = list;
            }
            let read = KexInit::read(&kexinit(all)[6..]).unwrap();
            assert_eq!(kexinit::hassh(&read.hassh_text(own)), hash.as_bytes());
        }
    }
}

#[test]
fn group_exchange_has_its_key_in_another_message() {
    let kex = "diffie-hellman-group-exchange-sha256";
    let group = packet(&[&[31][..], &strings(&[&[1; 40], &[2]])].concat());
    let whole = server(kex, 33);
    let run = run(&[(ToServer, &client(kex)), (ToClient, &whole)], false);
    assert_eq!(only(&run).get("bavn.ssh.host_key.type"), "ssh-ed25519");
    let lists =
        ["diffie-hellman-group-exchange-sha256", "ssh-ed25519", "a", "a", "b", "b", "none", "none", "", ""];
    let short = [b"SSH-2.0-x\r\n".to_vec(), kexinit(lists), group].concat();
    let run = self::run(&[(ToServer, &client(kex)), (ToClient, &short)], false);
    assert_eq!(only(&run).get("bavn.ssh.host_key.type"), "", "a group is no key");
}

#[test]
fn the_side_that_opened_the_connection_may_be_the_server() {
    let whole = run(&[(ToClient, &client(KEX_CLIENT)), (ToServer, &server(KEX_SERVER, 31))], false);
    let event = only(&whole);
    assert_eq!(event.get("bavn.ssh.reversed"), "true");
    assert_eq!(event.get("bavn.ssh.host_key.type"), "ssh-ed25519");
    assert_eq!(event.get("bavn.ssh.client.software"), "dropbear_2022.83");
    let usual = run(&[(ToServer, &client(KEX_CLIENT)), (ToClient, &server(KEX_SERVER, 31))], false);
    assert_eq!(only(&usual).get("bavn.ssh.reversed"), "");
}

#[test]
fn every_split_gives_the_same_event() {
    let (asked, said) = (client(KEX_CLIENT), server(KEX_SERVER, 31));
    let whole = run(&[(ToServer, &asked), (ToClient, &said)], false);
    for cut in 1..said.len() {
        let (head, tail) = said.split_at(cut);
        let split = run(&[(ToServer, &asked), (ToClient, head), (ToClient, tail)], false);
        let (one, other) = (only(&whole), only(&split));
        for field in FIELDS {
            assert_eq!(one.get(field.name()), other.get(field.name()), "{cut} {}", field.name());
        }
        assert_eq!(split.weird(), [""; 0]);
    }
    for cut in 1..asked.len() {
        let (head, tail) = asked.split_at(cut);
        let split = run(&[(ToServer, head), (ToServer, tail), (ToClient, &said)], false);
        assert_eq!(only(&split).get("ssh.client.hassh"), only(&whole).get("ssh.client.hassh"), "{cut}");
    }
}

#[test]
fn every_cut_is_one_event_with_what_was_said() {
    let (asked, said) = (client(KEX_CLIENT), server(KEX_SERVER, 31));
    let full = run(&[(ToServer, &asked), (ToClient, &said)], false);
    for cut in 0..said.len() {
        let run = run(&[(ToServer, &asked), (ToClient, &said[..cut])], false);
        let event = only(&run);
        for field in FIELDS {
            let (value, whole) = (event.get(field.name()), only(&full).get(field.name()));
            assert!(value.is_empty() || value == whole || value == "?", "{cut} {}", field.name());
        }
    }
}

#[test]
fn one_way_leaves_the_other_side_unobserved() {
    let run = run(&[(ToServer, &client(KEX_CLIENT))], true);
    let event = only(&run);
    assert_eq!(event.get("bavn.ssh.client.software"), "OpenSSH_9.2p1");
    for name in
        ["bavn.ssh.server.banner", "ssh.server.hassh", "bavn.ssh.kex", "bavn.ssh.host_key.fingerprint"]
    {
        assert_eq!(event.get(name), "?", "{name}");
    }
}

#[test]
fn a_gap_ends_a_side() {
    let mut recorder = Recorder::new(FIELDS);
    let mut ssh = Ssh::default();
    recorder.with(1, |cx| ssh.data(ToServer, &client(KEX_CLIENT), cx));
    recorder.with(1, |cx| ssh.data(ToClient, b"SSH-2.0-x\r\n", cx));
    assert_eq!(recorder.with(1, |cx| ssh.gap(ToClient, 100, cx)), Next::Done);
    assert_eq!(only(&recorder).get("bavn.ssh.server.banner"), "SSH-2.0-x");
    assert_eq!(only(&recorder).get("ssh.server.hassh"), "?");
}

#[test]
fn version_1_is_told_and_left() {
    let run =
        run(&[(ToClient, b"Hello\r\nSSH-1.5-Cisco-1.25\n"), (ToServer, b"SSH-1.5-PuTTY\n\0\0\0\x40")], false);
    assert_eq!(only(&run).get("bavn.ssh.version"), "1");
    assert_eq!(only(&run).get("bavn.ssh.server.software"), "Cisco-1.25");
    assert_eq!(run.weird(), [""; 0]);
}

#[test]
fn a_disconnect_is_told() {
    let text = [&[DISCONNECT, 0, 0, 0, 2][..], &strings(&[b"Too many connections", b""])].concat();
    let said = [b"SSH-2.0-x\r\n".to_vec(), packet(&text)].concat();
    let run = run(&[(ToServer, b"SSH-2.0-y\r\n"), (ToClient, &said)], false);
    assert_eq!(only(&run).get("bavn.ssh.disconnect"), "Too many connections");
    assert_eq!(only(&run).get("bavn.ssh.kex"), "");
}

#[test]
fn limits_are_told_and_free_what_was_held() {
    for (said, name) in [
        ([b"SSH-2.0-".to_vec(), vec![b'x'; 2000]].concat(), "ssh_identification_too_long"),
        (b"SSH-2.0-x\r\n\0\x02\0\0".to_vec(), "ssh_packet_too_long"),
        (b"SSH-2.0-x\r\n\0\0\0\x05\xffabcd".to_vec(), "ssh_packet_malformed"),
        ([b"SSH-2.0-x\r\n".to_vec(), packet(&[KEXINIT, 1, 2])].concat(), "ssh_kexinit_malformed"),
    ] {
        let run = run(&[(ToClient, &said), (ToServer, b"SSH-2.0-y\r\n")], false);
        assert_eq!(run.weird(), [name]);
    }
    let preamble = b"a line\r\n".repeat(2000);
    let run = run(&[(ToServer, b"SSH-2.0-y\r\n"), (ToClient, &preamble)], false);
    assert_eq!((run.weird(), run.counters.parser_limit), (vec!["ssh_identification_too_long"], 1));
}

#[test]
fn a_still_exchange_is_told_after_a_while() {
    let mut recorder = Recorder::new(FIELDS);
    let mut ssh = Ssh::default();
    recorder.with(1, |cx| ssh.data(ToServer, b"SSH-2.0-x\r\n", cx));
    recorder.with(EXCHANGE_WAIT, |cx| ssh.tick(cx));
    assert_eq!((only(&recorder).time, only(&recorder).packet), (1, 1));
    assert_eq!(ssh.held(), 0);
}

#[test]
fn probe_needs_the_magic() {
    for (data, is_ssh) in [
        (&b"SSH-2.0-x"[..], Probe::Yes),
        (b"SSH", Probe::More),
        (b"", Probe::More),
        (b"SSX", Probe::No),
        (b"GET / HTTP/1.1", Probe::No),
    ] {
        assert_eq!(Ssh::probe(data, ToServer), is_ssh);
    }
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(to_server: Vec<u8>, to_client: Vec<u8>) {
        for head in [&b""[..], b"SSH-2.0-x\r\n"] {
            let (one, other) = ([head, &to_server].concat(), [head, &to_client].concat());
            run(&[(ToServer, &one), (ToClient, &other)], false);
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_name_is_in_a_list_where_one_of_its_parts_is_it(list in "[ab,]{0,24}", name in "[ab]{0,3}") {
        let split = list.split(',').any(|part| part == name);
        proptest::prop_assert_eq!(super::kexinit::has(list.as_bytes(), name.as_bytes()), split);
    }
}
