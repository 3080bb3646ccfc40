// Draws one dashboard from window.BOARD: {title, description, from, to, panels: [{panel, series}]}.
// Time series, figures and bars are Grafana's own components; what @grafana/ui does not have (heatmap,
// state timeline, table of labels) is drawn plainly here, and says so in the picture.
import {
  cacheFieldDisplayNames, createDataFrame, createTheme, dateTime, FieldType, getDisplayProcessor, ThemeContext,
} from "@grafana/data";
import { BarGauge, BigValue, TimeSeries } from "@grafana/ui";
import { createRoot } from "react-dom/client";

const theme = createTheme({ colors: { mode: "dark" } });
const CELL = 38, COLUMN = 70, GAP = 8, HEAD = 30;

function configOf(panel, name) {
  const { overrides, defaults } = panel.fieldConfig;
  const config = { ...defaults, custom: { ...defaults.custom } };
  for (const each of overrides ?? []) {
    if (each.matcher.id !== "byName" || each.matcher.options !== name) continue;
    for (const { id, value } of each.properties) config[id] = value;
  }
  return config;
}

function finished(field) {
  field.display = getDisplayProcessor({ field, theme, timeZone: "utc" });
  return field;
}

function frameOf(panel, one, index) {
  const config = { ...configOf(panel, one.name), displayNameFromDS: one.name };
  const frame = createDataFrame({
    fields: [
      { name: "Time", type: FieldType.time, values: one.values.map(([time]) => time * 1000), config: {} },
      { name: "Value", type: FieldType.number, values: one.values.map(([, value]) => value), config },
    ],
  });
  frame.fields.forEach(finished);
  Object.assign(frame.fields[1], { state: { seriesIndex: index, displayName: one.name } });
  return finished(frame.fields[1]) && frame;
}

function Lines({ panel, series, width, height, range }) {
  const frames = series.map((one, index) => frameOf(panel, one, index));
  cacheFieldDisplayNames(frames);
  const legend = { ...panel.options.legend, showLegend: true };
  if (frames.length === 0) return <Empty panel={panel} />;
  return <TimeSeries frames={frames} structureRev={1} width={width} height={height} timeRange={range}
    timeZone="utc" legend={legend} options={panel.options} />;
}

function last(one) {
  const known = one.values.filter(([, value]) => value !== null);
  return known.length ? known[known.length - 1][1] : null;
}

function shown(panel, one) {
  const field = finished({ name: one.name, type: FieldType.number, values: [], config: configOf(panel, one.name) });
  return { field, value: { ...field.display(last(one)), title: one.name } };
}

function Figure({ panel, series, width, height }) {
  const one = series[0];
  if (one === undefined) return <Empty panel={panel} />;
  const { value } = shown(panel, one);
  return <BigValue theme={theme} width={width} height={height} value={value}
    colorMode={panel.options.colorMode} graphMode="none" textMode="value" justifyMode="auto" />;
}

function Bars({ panel, series, width, height }) {
  if (series.length === 0) return <Empty panel={panel} />;
  const each = Math.min(48, height / series.length);
  return series.map((one) => {
    const { field, value } = shown(panel, one);
    return <BarGauge key={one.name} theme={theme} width={width} height={each - 4} field={field.config}
      display={field.display} value={value} orientation="horizontal" displayMode={panel.options.displayMode}
      showUnfilled valueDisplayMode="text" alignmentFactors={alignment(panel, series)} />;
  });
}

function alignment(panel, series) {
  const longest = (texts) => texts.reduce((one, other) => (other.length > one.length ? other : one), "");
  const all = series.map((one) => shown(panel, one).value);
  const text = all.map((value) => `${value.prefix ?? ""}${value.text}${value.suffix ?? ""}`);
  return { title: longest(all.map((value) => value.title)), text: longest(text) };
}

function Heat({ panel, series, width, height, range }) {
  const bounds = series.map((one) => ({ ...one, bound: Number(one.name.replace("+Inf", "Infinity")) }))
    .sort((one, other) => one.bound - other.bound);
  const times = [...new Set(bounds.flatMap((one) => one.values.map(([time]) => time)))].sort((a, b) => a - b);
  const at = bounds.map((one) => new Map(one.values));
  const cells = bounds.flatMap((_, row) => times.map((time) => ({
    row, time, count: Math.max(0, (at[row].get(time) ?? 0) - (row ? at[row - 1].get(time) ?? 0 : 0)),
  }))).filter((cell) => cell.count > 1e-9);
  const most = Math.max(...cells.map((cell) => cell.count), 1e-9);
  const from = range.from.valueOf() / 1000, to = range.to.valueOf() / 1000;
  const x = (time) => 46 + ((time - from) / (to - from)) * (width - 50);
  const step = times.length > 1 ? x(times[1]) - x(times[0]) : 6;
  const rowHeight = (height - 26) / bounds.length;
  const y = (row) => height - 26 - (row + 1) * rowHeight;
  return (
    <svg width={width} height={height} fontSize="10" fill={theme.colors.text.secondary}>
      {cells.map((cell) => <rect key={`${cell.row}-${cell.time}`} x={x(cell.time)} y={y(cell.row)}
        width={Math.max(1, step)} height={rowHeight - 1} fill="#ff9830"
        fillOpacity={0.15 + 0.85 * Math.sqrt(cell.count / most)} />)}
      {bounds.map((one, row) => row % 2 === 0 && <text key={one.name} x="0" y={y(row) + rowHeight / 2 + 3}>
        {one.name === "+Inf" ? "more" : `${one.bound} s`}</text>)}
      <Stand text="heatmap: drawn plainly, not by Grafana" height={height} />
    </svg>
  );
}

function bandsOf(values, to) {
  const bands = [];
  for (const [time, value] of values) {
    const open = bands[bands.length - 1];
    if (open?.value === value) continue;
    if (open) open.end = time;
    bands.push({ start: time, end: to, value });
  }
  return bands;
}

function Bands({ panel, series, width, height, range }) {
  const texts = panel.fieldConfig.defaults.mappings[0].options;
  const from = range.from.valueOf() / 1000, to = range.to.valueOf() / 1000;
  const x = (time) => 130 + ((time - from) / (to - from)) * (width - 135);
  const each = Math.min(40, (height - 30) / Math.max(1, series.length));
  return (
    <svg width={width} height={height} fontSize="11" fill={theme.colors.text.primary}>
      {series.map((one, row) => bandsOf(one.values, to).map(({ start, end, value }) => {
        const said = texts[String(value)] ?? { text: String(value), color: "gray" };
        return <g key={`${one.name}-${start}`}>
          <rect x={x(start)} y={row * each + 4} width={Math.max(1, x(end) - x(start))} height={each - 8}
            fill={theme.visualization.getColorByName(said.color)} />
          {x(end) - x(start) > 40 && <text x={x(start) + 3} y={row * each + each / 2 + 4} fill="#111">
            {said.text}</text>}
        </g>;
      }))}
      {series.map((one, row) => <text key={one.name} x="0" y={row * each + each / 2 + 4}>{one.name}</text>)}
      <Stand text="state timeline: drawn plainly, not by Grafana" height={height} />
    </svg>
  );
}

function Labels({ panel, series, height }) {
  const columns = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((name) => name !== "__name__");
  return (
    <div>
      <table className="labels">
        <thead><tr>{columns.map((name) => <th key={name}>{name}</th>)}</tr></thead>
        <tbody>{series.map((one, row) => (
          <tr key={row}>{columns.map((name) => <td key={name}>{one.labels[name]}</td>)}</tr>))}</tbody>
      </table>
      <svg width="300" height={height - 30 - series.length * 30}><Stand text="table: drawn plainly, not by Grafana" height={30} /></svg>
    </div>
  );
}

const Stand = ({ text, height }) => <text x="0" y={height - 6} fontSize="10" fill="#777">{text}</text>;
const Empty = ({ panel }) => <div className="empty">{panel.fieldConfig.defaults.noValue ?? "No data"}</div>;

const KINDS = { timeseries: Lines, stat: Figure, bargauge: Bars, heatmap: Heat, "state-timeline": Bands, table: Labels };

function Panel({ panel, series, range }) {
  const { x, y, w, h } = panel.gridPos;
  const place = { left: x * COLUMN, top: y * CELL, width: w * COLUMN - GAP, height: h * CELL - GAP };
  if (panel.type === "row") return <h2 style={place}>{panel.title}</h2>;
  const Kind = KINDS[panel.type];
  const width = place.width - 18, height = place.height - HEAD - 8;
  const isEmpty = series.length === 0;
  return (
    <section style={place}>
      <h3>{panel.title}</h3>
      {isEmpty ? <Empty panel={panel} /> : <Kind {...{ panel, series, width, height, range }} />}
    </section>
  );
}

function Board({ board }) {
  const range = { from: dateTime(board.from * 1000), to: dateTime(board.to * 1000), raw: { from: "", to: "" } };
  return (
    <ThemeContext.Provider value={theme}>
      <header><b>{board.title}</b> {board.description}</header>
      <main>{board.panels.map((each) => <Panel key={each.panel.id} {...each} range={range} />)}</main>
    </ThemeContext.Provider>
  );
}

createRoot(document.getElementById("root")).render(<Board board={window.BOARD} />);
