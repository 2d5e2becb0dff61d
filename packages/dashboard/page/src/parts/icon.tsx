const paths = {
  alert: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1',
  info: 'M8 1.8a6.2 6.2 0 1 0 0 12.4 6.2 6.2 0 0 0 0-12.4zM8 7.2v4M8 4.9v.1',
  cross: 'M8 1.8a6.2 6.2 0 1 0 0 12.4 6.2 6.2 0 0 0 0-12.4zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  check: 'M8 1.8a6.2 6.2 0 1 0 0 12.4 6.2 6.2 0 0 0 0-12.4zM5.2 8.2l2 2 3.6-4',
  close: 'M4 4l8 8M12 4l-8 8',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.5 8z',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  up: 'M8 12.5v-9M4 7.5l4-4 4 4',
  down: 'M8 3.5v9M4 8.5l4 4 4-4',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z',
  system: 'M2 3.5h12v7.5h-12zM6 13.5h4',
  help: 'M8 1.8a6.2 6.2 0 1 0 0 12.4 6.2 6.2 0 0 0 0-12.4zM6.2 6.3a1.8 1.8 0 1 1 2.7 1.6q-.9.5-.9 1.4M8 11.5v.1',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  lock: 'M4 7.5h8v6h-8zM5.5 7.5V5.3a2.5 2.5 0 0 1 5 0v2.2',
  external: 'M9 2.5h4.5V7M13.5 2.5 8 8M12 9.5v4H2.5V4h4',
} as const

export type IconName = keyof typeof paths

/** An icon next to a word. Screen readers read only the word. */
export function Icon({ name, class: extra = '' }: { name: IconName; class?: string }) {
  return (
    <svg class={`icon ${extra}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
