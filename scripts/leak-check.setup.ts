import { afterAll, beforeAll } from 'vitest';

/** What must not outlive a test file: sockets, servers, child processes. Timers are left to Vitest's own detection. */
const watched = new Set(['TCPSocketWrap', 'TCPServerWrap', 'PipeConnectWrap', 'ProcessWrap']);

function openHandles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const resource of process.getActiveResourcesInfo()) {
    if (watched.has(resource)) counts.set(resource, (counts.get(resource) ?? 0) + 1);
  }
  return counts;
}

let before = new Map<string, number>();

beforeAll(() => {
  before = openHandles();
});

// Registered before any hook of a test file, so it runs after all of them.
afterAll(async () => {
  let leaked: string[] = [];
  // Closing handshakes take a moment; a leak stays.
  for (let attempt = 0; attempt < 20; attempt += 1) {
    leaked = [...openHandles()].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name);
    if (leaked.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`This file leaves open: ${leaked.join(', ')}. Close what it opened in afterAll.`);
});
