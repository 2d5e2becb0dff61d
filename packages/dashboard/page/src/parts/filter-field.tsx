import { Icon } from './icon.tsx'

export interface FilterFieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

/** The field that `/` goes to. */
export function FilterField({ label, value, onInput }: FilterFieldProps) {
  return (
    <label class="filter">
      <Icon name="search" />
      <span class="hidden-visually">{label}</span>
      <input
        type="search"
        data-filter=""
        placeholder={label}
        value={value}
        maxLength={100}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <span class="key" aria-hidden="true">
        /
      </span>
    </label>
  )
}
