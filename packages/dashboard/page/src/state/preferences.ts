import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const themes: readonly Theme[] = ['system', 'light', 'dark']

/** User preferences, stored in the browser. */
export const theme = signal<Theme>(read('theme', themes, 'system'))
/** Whether single-key shortcuts are enabled (WCAG 2.1.4). */
export const hasKeys = signal(read('keys', ['on', 'off'], 'on') === 'on')

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system'
}

effect(() => {
  const { dataset } = document.documentElement
  if (theme.value === 'system') delete dataset.theme
  else dataset.theme = theme.value
  write('theme', theme.value)
})

effect(() => write('keys', hasKeys.value ? 'on' : 'off'))

function read<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(`sluice.${name}`)
    return allowed.find((one) => one === value) ?? otherwise
  } catch {
    return otherwise
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`sluice.${name}`, value)
  } catch {
    // Storage can be disabled. The preference then lasts until the page is closed.
  }
}
