import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const overloadedCheckMs = 10;

/**
 * Stops kafkajs's request queue from re-arming its timer for ever: it does so with nothing pending, and with a negative
 * delay, which Node 24 warns of (https://github.com/tulios/kafkajs/issues/1704, unmerged). What is pushed while the
 * queue is throttled arms the timer by itself, so there is nothing to check while nothing is pending.
 */
export function quietRequestQueue(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : overloadedCheckMs,
    );
  };
}
