/** Remembers what has the focus; the returned function gives it back, unless something else has asked for it since. */
export function keepFocus(): () => void {
  const before = document.activeElement;
  return () =>
    queueMicrotask(() => {
      const taken = document.activeElement !== null && document.activeElement !== document.body;
      if (!taken && before instanceof HTMLElement) before.focus({ preventScroll: true });
    });
}
