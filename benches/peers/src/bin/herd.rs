fn main() {
    for _ in 0..std::env::args()
        .nth(2)
        .and_then(|n| n.parse().ok())
        .unwrap_or(20)
    {
        peers::questions::revoked::once(std::env::args().nth(1).as_deref() == Some("ours"));
    }
}
