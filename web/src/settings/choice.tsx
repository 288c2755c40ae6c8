/** One of several, by its name. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: Readonly<Record<T, string>>;
  readonly choose: (value: T) => void;
}) {
  const values = Object.keys(props.options) as T[];
  return (
    <label className="block">
      <span className="mb-1 block font-semibold">{props.label}</span>
      <select
        className="field"
        value={props.value}
        onChange={(event) => props.choose(event.target.value as T)}
      >
        {values.map((value) => (
          <option key={value} value={value}>
            {props.options[value]}
          </option>
        ))}
      </select>
    </label>
  );
}
