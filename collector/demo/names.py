"""Names of the Calandria Islands: a fictional country, so that no real school, provider or person is shown."""

from dataclasses import dataclass
from typing import Final

COUNTRY: Final = "Calandria Islands"
TIMEZONE: Final = "America/Barbados"

KINDS: Final = ("Escuela Básica", "Escuela Rural", "Escuela", "Colegio", "Liceo")
PLACES: Final = (
    "Loma Verde",
    "Agua Dulce",
    "Puente Viejo",
    "Playa Larga",
    "Cayo Perla",
    "La Cantera",
    "El Naranjal",
    "Mirador",
    "Arroyo Seco",
    "Punta Coral",
    "La Esperanza",
    "Flor del Mar",
    "Alto Sereno",
    "Vista Alegre",
    "La Ceiba",
    "Río Manso",
    "Cerro Azul",
    "Los Almendros",
    "Piedra Blanca",
    "Bahía Calma",
    "El Faro",
    "Monte Claro",
    "Las Garzas",
    "Valle Hondo",
    "Ñandubay",
    "Álamo Grande",
    "Ensenada",
    "El Trapiche",
    "Santa Marea",
    "Costa Nueva",
)


@dataclass(frozen=True)
class Provider:
    """One provider and what its lines are like."""

    name: str
    technology: str
    contracts_mbps: tuple[int, ...]  # download that schools pay for
    upload_part: float  # of the download
    delivered: tuple[float, float]  # typical speed as a part of the contract, from and to
    rtt_ms: float
    loaded_rtt_ms: float


FIBRE: Final = Provider("Coral Fibra", "Fibre", (50, 100), 0.5, (0.85, 0.98), 9.0, 29.0)
CABLE: Final = Provider("Cable Brava", "Cable", (30, 50), 0.2, (0.80, 0.96), 23.0, 54.0)
RADIO: Final = Provider("Onda Sur", "Fixed wireless", (30, 50), 0.25, (0.72, 0.95), 44.0, 219.0)
SATELLITE: Final = Provider("Alto Satélite", "Satellite", (30, 40), 0.15, (0.80, 0.95), 620.0, 1249.0)


@dataclass(frozen=True)
class Area:
    """One district: its number in school codes, how many schools, and where its towns lie."""

    number: int
    name: str
    schools: int
    towns: tuple[tuple[float, float], ...]  # latitude, longitude
    providers: tuple[Provider, ...]  # drawn from, repeated ones more often


AREAS: Final = (
    Area(1, "Norte", 22, ((13.79, -60.13), (13.76, -60.05), (13.77, -60.22)), (FIBRE, FIBRE, FIBRE, RADIO)),
    Area(2, "Bahía Honda", 26, ((13.70, -59.93), (13.66, -59.91), (13.64, -59.96)), (FIBRE, FIBRE, CABLE, RADIO)),
    Area(3, "Poniente", 18, ((13.72, -60.34), (13.69, -60.28)), (FIBRE, RADIO, RADIO, SATELLITE)),
    Area(4, "Costa Sur", 26, ((13.62, -60.18), (13.60, -60.08), (13.66, -60.14)), (RADIO, RADIO, RADIO, FIBRE)),
    Area(5, "Isla Brava", 14, ((13.55, -59.86), (13.53, -59.83)), (CABLE, CABLE, RADIO, FIBRE)),
    Area(6, "Los Cayos", 14, ((13.53, -60.36), (13.52, -60.28), (13.54, -60.41)), (SATELLITE, RADIO, SATELLITE)),
)
