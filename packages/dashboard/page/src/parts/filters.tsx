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

interface ChoicesProps {
  readonly label: string
  readonly value: string
  /** Labels by value. */
  readonly options: Readonly<Record<string, string>>
  readonly onChange: (value: string) => void
}

/** A set of options, of which one is selected. */
export function Choices({ label, value, options, onChange }: ChoicesProps) {
  return (
    <fieldset class="choices">
      <legend class="hidden-visually">{label}</legend>
      {Object.entries(options).map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </fieldset>
  )
}
