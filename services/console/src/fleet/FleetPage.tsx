export default function FleetPage() {
  return <main data-testid="fleet-page"><h1>Fleet</h1></main>;
}
