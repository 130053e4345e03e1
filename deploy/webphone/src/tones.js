// SPDX-License-Identifier: BSD-3-Clause
// What the caller hears of the phone itself: keypad tones, ringing here and there, busy.

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = ['123A', '456B', '789C', '*0#D'];
const CADENCES = {
	ringback: { tones: [425], on: 1, off: 4, volume: 0.08 },
	ring: { tones: [660, 880], on: 0.8, off: 1.6, volume: 0.15 },
	busy: { tones: [425], on: 0.48, off: 0.48, volume: 0.08, times: 3 },
};

let context = null;
let playing = null;

function audio() {
	if (!context)
		context = new AudioContext();
	if (context.state === 'suspended')
		context.resume().catch(() => {});
	return context;
}

function beep(tones, at, seconds, volume) {
	const ctx = audio();
	const gain = ctx.createGain();

	gain.gain.setValueAtTime(0, at);
	gain.gain.linearRampToValueAtTime(volume, at + 0.01);
	gain.gain.setValueAtTime(volume, at + seconds - 0.02);
	gain.gain.linearRampToValueAtTime(0, at + seconds);
	gain.connect(ctx.destination);
	for (const f of tones) {
		const o = ctx.createOscillator();

		o.frequency.value = f;
		o.connect(gain);
		o.start(at);
		o.stop(at + seconds);
	}
	return gain;
}

export function key(k) {
	const row = KEYS.findIndex((r) => r.includes(k));

	if (row >= 0)
		beep([ROWS[row], COLUMNS[KEYS[row].indexOf(k)]], audio().currentTime, 0.12, 0.06);
}

export function stop() {
	if (!playing)
		return;
	clearInterval(playing.timer);
	playing.last.disconnect();
	playing = null;
}

export function play(name) {
	const c = CADENCES[name];
	let left = c.times || Infinity;

	stop();
	const once = () => beep(c.tones, audio().currentTime, c.on, c.volume);
	playing = { last: once(), timer: 0 };
	playing.timer = setInterval(() => {
		if (--left <= 0)
			stop();
		else
			playing.last = once();
	}, 1000 * (c.on + c.off));
}
