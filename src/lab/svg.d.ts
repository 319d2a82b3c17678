// esbuild's text loader: an SVG file is imported as its source.
declare module '*.svg' {
  const source: string;
  export default source;
}
