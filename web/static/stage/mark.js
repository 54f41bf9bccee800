// The four lanes' marks. Shape, letter and order tell them apart before colour does.
const shapes = {
  polling: '<circle cx="12" cy="12" r="9"/>',
  longpoll: '<path d="M12 1 23 12 12 23 1 12Z"/>',
  sse: '<path d="M12 2 23 21H1Z"/>',
  websocket: '<path d="M3 3h18v18H3Z"/>',
};

// mark returns the HTML of a lane's mark.
export function mark(name) {
  return `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">${shapes[name]}</svg>`;
}
