// Measurements in the browser: `npm run bench`. They print figures and judge nothing.
import { defineConfig } from '@playwright/test';
import tests from './playwright.config';

export default defineConfig({ ...tests, testDir: 'benchmarks', timeout: 300_000 });
