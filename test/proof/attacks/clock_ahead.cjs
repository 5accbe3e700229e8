// Loaded into a process whose clock is to be ahead, or with a negative number behind.
const now = Date.now;
const ahead = Number(process.env.CLOCK_AHEAD_MS);
Date.now = () => now() + ahead;
