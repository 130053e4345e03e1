// SPDX-License-Identifier: BSD-3-Clause
import { defineConfig } from 'vite';

export default defineConfig({
	base: './', // the page works below any path
	build: { target: 'es2020', chunkSizeWarningLimit: 700 },
});
