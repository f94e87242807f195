//! Messages of realistic length and words, the same for every store.

/// How many conversations there are.
pub const CONVERSATIONS: u32 = 200;
/// No message is shorter.
pub const SHORTEST: usize = 200;

pub struct Message {
    pub conversation: u32,
    pub number: u64,
    pub text: String,
}

/// Gives each message its place.
pub struct Writer {
    next: Vec<u64>,
}

impl Default for Writer {
    fn default() -> Self {
        let next = vec![0; CONVERSATIONS as usize];
        Self { next }
    }
}

impl Writer {
    /// The next message: in any conversation, a few hundred bytes of words of which some are much commoner than others.
    pub fn next(&mut self, random: &mut Random) -> Message {
        let conversation = random.below(u64::from(CONVERSATIONS)) as u32;
        let number = self.next[conversation as usize];
        self.next[conversation as usize] += 1;
        let length = SHORTEST + random.below(200) as usize;
        let mut text = String::with_capacity(length + 12);
        while text.len() < length {
            // Squared: small numbers are common.
            let word = random.below(200) * random.below(200);
            text.push_str(&spell(word));
            text.push(' ');
        }
        Message { conversation, number, text }
    }

    pub fn written(&self, conversation: u32) -> u64 {
        self.next[conversation as usize]
    }
}

fn spell(mut word: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "lo", "mi", "ter", "un", "sa", "ver", "no", "ri", "pel", "do", "an", "chu", "we", "st", "ile",
    ];
    let mut text = String::new();
    loop {
        text.push_str(SYLLABLES[(word % 16) as usize]);
        word /= 16;
        if word == 0 {
            return text;
        }
    }
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
