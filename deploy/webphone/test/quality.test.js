// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import test from 'node:test';
import { Quality, bars, mos, word } from '../src/quality.js';
import { explain } from '../src/errors.js';

test('a clean G.711 call is as good as G.107 lets it be, and loss makes it worse', () => {
	assert.ok(mos({}) > 4.3);
	assert.ok(mos({ loss: 0.05 }) < 4 && mos({ loss: 0.05 }) > 3.4);
	assert.ok(mos({ loss: 1 }) < 1.5);
	assert.ok(mos({ delay: 0.4 }) < mos({ delay: 0.1 }));
	assert.equal(word(mos({})), 'Clear');
	assert.equal(bars(mos({ loss: 0.3 })), 1);
});

test('both ends are measured, and between two samples only what came meanwhile', async () => {
	let n = 0;
	const report = () => {
		n++;
		return new Map([
			['c', { id: 'c', type: 'codec', mimeType: 'audio/opus', clockRate: 48000 }],
			['i', { id: 'i', type: 'inbound-rtp', kind: 'audio', codecId: 'c', packetsReceived: 100 * n, packetsLost: n === 1 ? 0 : 50, jitter: 0.002 }],
			['o', { id: 'o', type: 'outbound-rtp', kind: 'audio', packetsSent: 100 * n }],
			['r', { id: 'r', type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0.1, packetsLost: 7, jitter: 0.01, roundTripTime: 0.05 }],
		]);
	};
	const q = new Quality({ getStats: async () => report() });
	const first = await q.sample();
	const second = await q.sample();

	assert.equal(first.hear.loss, 0);
	assert.ok(Math.abs(second.hear.loss - 1 / 3) < 1e-9);
	assert.equal(second.heard.loss, 0.1);
	assert.match(second.figures['Round trip'], /50 ms/);
	assert.match(second.figures.Codec, /opus 48/);
});

test('nothing is claimed before anything is known', async () => {
	const q = new Quality({ getStats: async () => new Map() });
	const s = await q.sample();

	assert.equal(s.hear, null);
	assert.equal(s.heard, null);
});

test('every failure is said in words', () => {
	assert.equal(explain({ status: 486 }).title, 'Busy');
	assert.match(explain({ status: 599, reason: 'Odd' }).text, /599 Odd/);
	assert.equal(explain({ cause: 'Connection Error' }).title, 'No connection');
	assert.equal(explain({ media: 'NotAllowedError', status: 0 }).title, 'No microphone');
	assert.ok(explain({}).text.length > 10);
});
