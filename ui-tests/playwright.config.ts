// One real JupyterLab, one browser, one test at a time: the tests measure what a person would see on a small machine.
import { defineConfig } from '@playwright/test';

const port = process.env.GLASSBLOCK_UI_PORT ?? '8899';
const url = `http://127.0.0.1:${port}`;
const browser = process.env.GLASSBLOCK_CHROMIUM;

const webServer = {
  command: `npm start > jupyter-${port}.log 2>&1`,
  url: `${url}/lab`,
  timeout: 120_000,
  reuseExistingServer: !process.env.CI,
};

export default defineConfig({
  projects: [
    { name: 'tests', testDir: 'tests' },
    { name: 'benchmarks', testDir: 'benchmarks' },
    { name: 'pictures', testDir: 'pictures' },
  ],
  snapshotPathTemplate: 'golden/{arg}{ext}',
  // By port, so that two runs at once do not sweep away each other's traces.
  outputDir: `test-results/${port}`,
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    actionTimeout: 20_000,
    baseURL: url,
    viewport: { width: 1400, height: 900 },
    video: 'off',
    trace: 'retain-on-failure',
    launchOptions: {
      ...(browser ? { executablePath: browser } : {}),
      // A browser in a container has no sandbox, and one under test calls nobody.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  // What the page costs by itself needs no Jupyter (`harness/`): GLASSBLOCK_UI_SERVER=none starts none.
  ...(process.env.GLASSBLOCK_UI_SERVER === 'none' ? {} : { webServer }),
});
