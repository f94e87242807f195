/** Where an element stands, as a popover wants to know it. */
export function placeOf(element: Element): { x: number; y: number; width: number; height: number } {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x, y, width, height };
}

/** Where a pointer or, without one, the element that was pressed by key stands. */
export function placeOfEvent(event: MouseEvent & { currentTarget: Element }): ReturnType<typeof placeOf> {
  if (event.clientX === 0 && event.clientY === 0) return placeOf(event.currentTarget);
  return { x: event.clientX, y: event.clientY, width: 0, height: 0 };
}
