import { Icon } from './icon.tsx'

interface FilterFieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

/** The text field that the key `/` focuses. */
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

interface ChoicesProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly value: T; readonly label: string }[]
  readonly onChange: (value: T) => void
}

/** A set of options, of which one is selected. */
export function Choices<T extends string>({ label, value, options, onChange }: ChoicesProps<T>) {
  return (
    <fieldset class="choices">
      <legend class="hidden-visually">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  )
}
