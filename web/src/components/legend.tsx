import type { CSSProperties, ReactNode } from 'react';

import type { Analysis } from '../engine.js';
import type { Layers } from '../hooks/use-layers.js';
import type { FoundClass } from '../lib/class-map.js';
import { count, share } from '../lib/format.js';
import { classTitle } from '../lib/names.js';
import type { Layer } from '../lib/overlay.js';
import type { HexColor } from '../lib/palette.js';

interface LegendProps {
  readonly analysis: Analysis;
  readonly layers: Layers;
  /** Whether opacities are seen. */
  readonly opacities: boolean;
  /** The class that is pointed at in the picture. */
  readonly pointed: number | undefined;
  readonly onPoint: (channel: number | undefined) => void;
}

export function Legend({ analysis, layers, opacities, pointed, onPoint }: LegendProps): ReactNode {
  const { found, segmentation } = analysis;
  return (
    <>
      <Shares found={found} layers={layers.layers} />
      <ul className="legend">
        {found.map((item) => {
          const layer = layers.layers[item.channel];
          if (layer === undefined) return null;
          return (
            <LegendRow
              key={item.channel}
              title={classTitle(segmentation.labels[item.channel] ?? '')}
              item={item}
              layer={layer}
              opacity={opacities && layer.visible}
              pointed={pointed === item.channel}
              onChange={(change) => {
                layers.change(item.channel, change);
              }}
              onPoint={onPoint}
            />
          );
        })}
      </ul>
    </>
  );
}

/** All of the picture as one bar; what it says stands in the rows, too. */
function Shares({ found, layers }: { found: Analysis['found']; layers: readonly Layer[] }): ReactNode {
  return (
    <div className="shares" aria-hidden="true">
      {found.map(({ channel, share: part }) => (
        <span
          key={channel}
          className={layers[channel]?.visible === true ? '' : 'off'}
          style={{ flexGrow: part, '--color': layers[channel]?.color } as CSSProperties}
        />
      ))}
    </div>
  );
}

interface LegendRowProps {
  readonly title: string;
  readonly item: FoundClass;
  readonly layer: Layer;
  readonly opacity: boolean;
  readonly pointed: boolean;
  readonly onChange: (change: Partial<Layer>) => void;
  readonly onPoint: (channel: number | undefined) => void;
}

function LegendRow({ title, item, layer, opacity, pointed, onChange, onPoint }: LegendRowProps): ReactNode {
  return (
    <li
      className={`legend-row${pointed ? ' pointed' : ''}${layer.visible ? '' : ' off'}`}
      style={{ '--color': layer.color } as CSSProperties}
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') onPoint(item.channel);
      }}
      onPointerLeave={() => {
        onPoint(undefined);
      }}
    >
      <label className="swatch">
        <input
          type="color"
          aria-label={`Colour of ${title}`}
          value={layer.color}
          onChange={(event) => {
            onChange({ color: event.target.value as HexColor });
          }}
        />
      </label>
      <label className="legend-name">
        <span>{title}</span>
        <span className="legend-share number" title={`${count(item.pixels)} pixels`}>
          {share(item.share)}
        </span>
        <input
          type="checkbox"
          role="switch"
          className="switch"
          aria-label={`Show ${title}`}
          checked={layer.visible}
          onChange={(event) => {
            onChange({ visible: event.target.checked });
          }}
        />
      </label>
      {opacity ? (
        <input
          type="range"
          className="legend-opacity"
          min="0"
          max="100"
          aria-label={`Opacity of ${title}`}
          aria-valuetext={`${String(Math.round(layer.opacity * 100))}%`}
          value={Math.round(layer.opacity * 100)}
          onChange={(event) => {
            onChange({ opacity: Number(event.target.value) / 100 });
          }}
        />
      ) : null}
    </li>
  );
}
