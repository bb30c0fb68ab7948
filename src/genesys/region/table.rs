//! The regions that this version lists.

use std::{borrow::Cow, sync::LazyLock};

use super::{Region, Site, SiteRef, base::Base};
use crate::bearer::Origins;

/// Makes a constant of each region, and the list of all.
macro_rules! regions {
    ($($constant:ident, $name:literal, $domain:literal;)*) => {
        impl Region {
            $(
                #[doc = concat!("`", $name, "`, at `", $domain, "`.")]
                pub const $constant: Self = {
                    static SITE: Site = Site {
                        name: Cow::Borrowed($name),
                        domain: Some(Cow::Borrowed($domain)),
                        login: Base::https(concat!("login.", $domain)),
                        api: Base::https(concat!("api.", $domain)),
                        origins: Some(|| {
                            static ORIGINS: LazyLock<Origins> =
                                LazyLock::new(|| Origins::of_checked_host(concat!("api.", $domain)));
                            &ORIGINS
                        }),
                    };
                    Self { site: SiteRef::Listed(&SITE) }
                };
            )*
        }

        static ALL: &[Region] = &[$(Region::$constant),*];
    };
}

regions! {
    US_EAST_1, "us-east-1", "mypurecloud.com";
    US_EAST_2, "us-east-2", "use2.us-gov-pure.cloud";
    US_WEST_2, "us-west-2", "usw2.pure.cloud";
    CA_CENTRAL_1, "ca-central-1", "cac1.pure.cloud";
    MX_CENTRAL_1, "mx-central-1", "mxc1.pure.cloud";
    SA_EAST_1, "sa-east-1", "sae1.pure.cloud";
    EU_WEST_1, "eu-west-1", "mypurecloud.ie";
    EU_WEST_2, "eu-west-2", "euw2.pure.cloud";
    EU_CENTRAL_1, "eu-central-1", "mypurecloud.de";
    EU_CENTRAL_2, "eu-central-2", "euc2.pure.cloud";
    EUSC_DE_EAST_1, "eusc-de-east-1", "edee1.eusc-pure.cloud";
    ME_CENTRAL_1, "me-central-1", "mec1.pure.cloud";
    AP_SOUTH_1, "ap-south-1", "aps1.pure.cloud";
    AP_SOUTHEAST_1, "ap-southeast-1", "apse1.pure.cloud";
    AP_SOUTHEAST_2, "ap-southeast-2", "mypurecloud.com.au";
    AP_NORTHEAST_1, "ap-northeast-1", "mypurecloud.jp";
    AP_NORTHEAST_2, "ap-northeast-2", "apne2.pure.cloud";
    AP_NORTHEAST_3, "ap-northeast-3", "apne3.pure.cloud";
}

impl Region {
    /// Returns the eighteen regions that this version lists.
    ///
    /// ```
    /// use tower_genesys::Region;
    ///
    /// let names: Vec<_> = Region::all().iter().map(Region::name).collect();
    /// assert_eq!(names.len(), 18);
    /// assert!(names.contains(&"eu-west-1"));
    /// ```
    pub fn all() -> &'static [Self] {
        ALL
    }
}
