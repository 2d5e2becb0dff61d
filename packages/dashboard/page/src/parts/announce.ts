import { signal } from '@preact/signals'

/** What a screen reader is told, quietly. */
export const announced = signal('')

export function announce(text: string): void {
  // The same text again would be no change.
  announced.value = announced.value === text ? `${text}\u00a0` : text
}
