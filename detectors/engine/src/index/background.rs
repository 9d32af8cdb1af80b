//! What ordinary traffic looks like: which predicates are rare, and which grams.
//!
//! A small sample of everyday values stands for the traffic. It steers speed alone, never a result.

use std::collections::HashMap;
use std::sync::OnceLock;

use bavn_wire::fields::Field;

use super::table::Hasher;

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "curl/8.5.0",
    "Microsoft-Delivery-Optimization/10.0",
    "Debian APT-HTTP/1.3 (2.6.1)",
];
const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/favicon.ico",
    "/static/js/main.8f3c1a.js",
    "/assets/css/style.min.css",
    "/images/logo.png",
    "/api/v1/users/123/items",
    "/wp-content/themes/site/script.js",
    "/search",
    "/login.php",
    "/news/2026/11/article.aspx",
    "/download/update.exe",
];
const TARGETS: &[&str] = &[
    "/",
    "/index.html",
    "/search?q=weather+today&lang=en&page=2",
    "/static/js/main.8f3c1a.js?v=1.2.3",
    "/assets/css/style.min.css",
    "/images/logo.png",
    "/api/v1/users/123/items?limit=50&offset=100&sort=name",
    "/login.php?redirect=%2Fhome&id=42",
    "/collect?utm_source=news&utm_medium=email&cid=1234567890",
    "/news/2026/11/article.aspx?ref=front",
];
const HOSTS: &[&str] = &[
    "www.example.com",
    "cdn.example.net",
    "api.example.org",
    "example.dk",
    "mail.kommune.dk",
    "login.service.com",
    "static.content.cloud.net",
    "ctldl.update.com",
    "10.0.0.5",
    "time.example.io",
];
const FULL: &[&str] = &[
    "http://www.example.com/index.html",
    "http://cdn.example.net/static/js/main.js?v=1",
    "http://10.0.0.5:8080/api/v1/status",
    "https://api.example.org/login.php?id=42&name=a",
];
const RAW: &[&str] = &[
    "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nReferer: http://www.example.com/\r\nCookie: session=abcdef0123456789\r\nUpgrade-Insecure-Requests: 1\r\nCache-Control: max-age=0\r\n",
    "POST /api/v1/login.php?id=42 HTTP/1.1\r\nHost: api.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\nOrigin: http://www.example.com\r\nX-Requested-With: XMLHttpRequest\r\nAuthorization: Basic dXNlcjpwYXNz\r\n",
];
const METHODS: &[&str] = &["GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "POST", "HEAD"];
const STATUSES: &[&str] = &["200", "200", "200", "200", "200", "301", "302", "304", "404", "403", "500"];
const TYPES: &[&str] = &["A", "A", "A", "AAAA", "AAAA", "HTTPS", "PTR", "TXT", "SRV", "MX", "NS"];

/// Everyday values of a field, none where nothing is known.
pub(super) fn samples(field: Field) -> &'static [&'static str] {
    match field {
        Field::UserAgent => AGENTS,
        Field::UrlPath => PATHS,
        Field::UrlOriginal | Field::UrlQuery => TARGETS,
        Field::UrlFull | Field::HttpRequestReferrer => FULL,
        Field::HttpRaw | Field::HttpRequestHeaders => RAW,
        Field::HttpRequestMethod => METHODS,
        Field::HttpResponseStatusCode => STATUSES,
        Field::HttpVersion => &["1.1"],
        Field::UrlScheme | Field::NetworkProtocol => &["http", "tls", "dns"],
        Field::UrlDomain | Field::DnsQuestionName | Field::TlsClientServerName => HOSTS,
        Field::DestinationAddress | Field::SourceAddress => HOSTS,
        Field::DnsQuestionType => TYPES,
        Field::DnsResponseCode => &["NOERROR", "NOERROR", "NOERROR", "NXDOMAIN"],
        Field::DnsFlagZ => &["0"],
        Field::DnsRejected => &["false"],
        Field::TlsVersion => &["1.2", "1.3"],
        Field::NetworkTransport => &["tcp", "udp"],
        Field::NetworkType => &["ipv4", "ipv6"],
        Field::SourceIp => &["10.0.0.5", "192.168.1.20", "172.16.3.4", "2001:db8::5"],
        Field::DestinationIp => &["10.0.0.53", "192.0.2.10", "198.51.100.7", "203.0.113.9", "2001:db8::53"],
        Field::DestinationPort => &["80", "443", "53", "8080", "22", "445"],
        Field::SourcePort => &["49152", "51234", "60000"],
        _ => &[],
    }
}

/// How common a gram is; 0 for one that the samples do not have.
pub(super) fn gram_weight(gram: u64) -> u32 {
    static WEIGHTS: OnceLock<HashMap<u64, u32, Hasher>> = OnceLock::new();
    WEIGHTS.get_or_init(weigh).get(&gram).copied().unwrap_or(0)
}

fn weigh() -> HashMap<u64, u32, Hasher> {
    let mut weights: HashMap<u64, u32, Hasher> = HashMap::default();
    for text in [AGENTS, PATHS, TARGETS, HOSTS, FULL, RAW, METHODS].into_iter().flatten() {
        let bytes = text.to_ascii_lowercase().into_bytes();
        for len in [1, 2, 3, 4, 8] {
            for window in bytes.windows(len) {
                let gram = window.iter().rev().fold(0, |gram, byte| gram << 8 | u64::from(*byte));
                *weights.entry(gram).or_default() += 1_000;
            }
        }
    }
    weights
}
